"""What tests ask of an owner's channels, and what comes of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import docker

from aiserver_tray.owner.owner import Owner
from aiserver_tray.state.views import OperationView
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.limits import SECONDS
from tests.support.observed import said
from tests.support.owning import PEER
from tests.support.waiting import eventually


def asked(owner: Owner, channel: str, **payload: object) -> Any:  # noqa: ANN401 - JSON
    """The data of a channel's answer. Raises ``AssertionError`` if it is an error."""
    answer = owner.api.invoke(channel, payload, PEER)
    assert answer["success"], answer
    return answer.get("data")


def found(
    owner: Owner, is_it: Callable[[OperationView], bool], limit: float = SECONDS
) -> OperationView:
    """The first operation that *is_it*, within *limit* seconds."""
    store = owner.core.store

    def first() -> OperationView | None:
        return next(filter(is_it, store.state.operations), None)

    return eventually(first, "an operation", limit, changes=store.observe)


def once_back(owner: Owner, lab: Place, *kinds: str) -> list[OperationView]:
    """The ends of the operations of *kinds* (``revival``: that brings back what ran) that follow
    when the killed engine of *lab* is there again."""
    known = {view.id for view in owner.core.store.state.operations}
    lifecycle.up(lab)

    def is_it(kind: str, view: OperationView) -> bool:
        is_of_kind = view.is_revival if kind == "revival" else view.kind == kind
        return is_of_kind and view.is_over and view.id not in known

    return [found(owner, partial(is_it, kind)) for kind in kinds]


def ended(owner: Owner, channel: str, **payload: object) -> OperationView:
    """The end of the operation that a channel begins."""
    id = asked(owner, channel, **payload)["operationId"]
    return found(owner, partial(has_ended, id))


def done(owner: Owner, channel: str, **payload: object) -> OperationView:
    """The same, of one that succeeds."""
    view = ended(owner, channel, **payload)
    assert view.status == "succeeded", view.error
    await_checks(owner)
    return view


def failed(owner: Owner, channel: str, **payload: object) -> str:
    """The text of the error of one that fails."""
    view = ended(owner, channel, **payload)
    assert view.status == "failed", view
    assert view.error
    return view.error.render()


def await_checks(owner: Owner) -> None:
    """Wait until no backup is checked: each one made by hand is."""
    eventually(lambda: asked(owner, "ai/backup/list")["checking"] is None, "the checks")


def has_ended(id: str, view: OperationView) -> bool:
    """Whether it is the operation *id*, and has ended."""
    return view.id == id and view.is_over


def is_over(kind: str, view: OperationView) -> bool:
    """Whether it is an operation of *kind* that has ended."""
    return view.kind == kind and view.is_over


def sql(engine: docker.DockerClient, database: str, text: str) -> str:
    """What PostgreSQL answers."""
    return said(engine, "ai-postgres", "psql", "-U", "postgres", "-qAt", database, "-c", text)
