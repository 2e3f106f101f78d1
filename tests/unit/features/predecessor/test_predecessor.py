"""The predecessor's channels and event are the stack's, in other words."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.core.app import App
from aiserver_tray.features.place import Place
from aiserver_tray.features.predecessor.channels import PredecessorFeature
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import Actor, Port
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Peer
from aiserver_tray.state.facts import (
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    ModulesChanged,
)
from aiserver_tray.state.views import OperationView
from tests.support import made
from tests.support.places import place
from tests.unit.clients import Client

CALLER = Caller(Peer("browser", "zh", lambda _message: None, 7), "zh")
PORT = Port("127.0.0.1", 18100, 80)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """A feature web, which runs with a published port, and a basic wiki, which does not run."""
    app = App(tmp_path / "home", [], "unix:///nowhere.sock")
    core = app.core()
    for fact in (
        ContainersListed((made.container("web/app", ports=(PORT,)),)),
        made.UP,
        ModulesChanged(
            (
                made.model("web", title={"en": "Web", "zh": "网页"}),
                made.model("wiki", kind="basic", summary={"en": "Pages", "zh": "页面"}),
            )
        ),
        DesiredChanged(frozenset({"web"})),
    ):
        core.store.put(fact)
    core.store.flush()
    yield place(app, core)
    core.store.close()


def asked(here: Place, channel: str, **payload: object) -> Envelope:
    handlers = handlers_of([here.feature(PredecessorFeature)])
    return dispatch(handlers, channel, payload, CALLER)


def test_a_module_has_the_predecessors_fields_and_is_listed_by_its_kind(here: Place) -> None:
    here.feature(PredecessorFeature)
    assert asked(here, "ai/module/status", name="web")["data"] == {
        "running": True,
        "status": "running",
        "ports": {"ai-web-app": "127.0.0.1:18100->80/tcp"},
        "usedBy": [],
        "state": "running",
        "reason": None,
        "ready": 1,
        "total": 1,
    }
    assert asked(here, "ai/module/status", name="wiki")["data"]["status"] == "stopped"
    client = Client(language="zh")
    here.hub.subscribe(client.peer, [STATUS.name])
    here.core.store.put(ContainerSeen(made.ended("web/app", exit_code=3)))
    here.core.store.flush()
    here.hub.update()
    failed = asked(here, "ai/module/status", name="web")
    assert failed["data"]["status"] == "error"
    (message,) = client.sent()
    assert (message.key, json.loads(message.payload)["status"]) == ("web", failed)
    assert asked(here, "ai/module/status", name="wbe")["code"] == "E_UNKNOWN"
    wiki = {"name": "wiki", "type": "basic", "title": "wiki", "summary": "页面"}
    assert asked(here, "ai/modules/list", type="basic")["data"]["items"] == [wiki]
    titles = [item["title"] for item in asked(here, "ai/modules/list")["data"]["items"]]
    assert titles == ["wiki", "网页"]


@pytest.mark.parametrize(
    ("channel", "request_"),
    [
        ("ai/module/start", Request("up", ("web",))),
        ("ai/module/firstStart", Request("up", ("web",))),
        ("ai/module/stop", Request("stop", ("web",))),
        ("ai/module/restart", Request("restart", ("web",))),
        ("ai/module/clear", Request("down", ("web",), volumes=frozenset({"data"}))),
    ],
)
def test_an_operation_is_one_of_the_stack(
    here: Place, monkeypatch: pytest.MonkeyPatch, channel: str, request_: Request
) -> None:
    begun: list[tuple[Request, Actor]] = []
    error = EngineDownError("here", "gone")
    failed = OperationView("1", "up", ("web",), status="failed", error=error)

    def begin(request: Request, actor: Actor) -> Operation:
        begun.append((request, actor))
        return cast(Operation, SimpleNamespace(id="1", wait=lambda: failed))

    monkeypatch.setattr(here.feature(StackFeature), "begin", begin)
    more: dict[str, Any] = {"volumes": ["data"]} if channel == "ai/module/clear" else {}
    assert asked(here, channel, name="web", **more)["code"] == "E_ENGINE_DOWN"
    if not more:
        assert asked(here, channel, name="web", wait=False)["data"] == {"operationId": "1"}
    assert set(begun) == {(request_, Actor("browser", 7))}
