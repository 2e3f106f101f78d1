"""The managers of a cluster: requests to the Engine API of one that answers."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, TypeVar

from aiserver_tray.base.errors import (
    AiServerError,
    ClusterDownError,
    ClusterError,
    EngineDownError,
    EngineNotInstalledError,
    EngineRequestError,
    ObjectConflictError,
    ObjectNotFoundError,
)
from aiserver_tray.base.i18n import Listed, Text, chained
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.stream import Stream
from aiserver_tray.features.cluster.views import ManagerState, ManagerView

_logger = logging.getLogger(__name__)

Json = dict[str, Any]
_Answer = TypeVar("_Answer")

READ_SECONDS: Final = 30.0
"""A manager without a leader takes 20 s to say so."""
_NO_LEADER: Final = ("does not have a leader", "no quorum", "context deadline exceeded")
"""Of swarmkit, when too few managers are left, or they are choosing a leader."""
_NO_MANAGER: Final = "not a swarm manager"
LEADER_SECONDS: Final = 60.0
"""In which other managers choose a leader, unless too few are left: it took them 14 s."""
_PAUSE_SECONDS: Final = 1.0


def lost(error: AiServerError) -> ManagerState | None:
    """What *error* says about the manager that was asked. None: it has answered the question."""
    if isinstance(error, EngineDownError | EngineNotInstalledError):
        return "unreachable"
    if isinstance(error, EngineRequestError):
        if any(words in str(error) for words in _NO_LEADER):
            return "no-leader"
        if _NO_MANAGER in str(error):
            return "no-manager"
    return None


@dataclass
class _Manager:
    """One manager."""

    host: str
    state: ManagerState = "answers"
    problem: Text | None = None
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(lambda: Address(self.host, "--engine", os.environ))

    @property
    def view(self) -> ManagerView:
        """As clients get it."""
        return ManagerView(self.host, self.state, self.problem)


class Managers:
    """The managers at *hosts* of the cluster *name* with the *id* (empty: any). A request goes to
    the one that answered last, and then to each of the others. Every method raises
    `ClusterDownError` if none can answer it.
    """

    def __init__(self, name: str, hosts: Sequence[str], id: str = "") -> None:
        self.name = name
        self.id = id
        self._all = [_Manager(host) for host in hosts]
        self._first = self._all[0]
        self._lock = Lock()
        self._patience = 0.0
        """Seconds for which a request waits for a leader."""
        self._is_given_up: Callable[[], bool] = lambda: False

    @property
    def views(self) -> tuple[ManagerView, ...]:
        """How each of them was when it was asked last."""
        return tuple(one.view for one in self._all)

    def patient(self, seconds: float, is_cancelled: Callable[[], bool]) -> "Managers":
        """The same managers for work that goes on when a leader is there again within *seconds*,
        unless the user cancels it."""
        other = copy(self)
        other._lock, other._patience, other._is_given_up = Lock(), seconds, is_cancelled
        return other

    def check(self) -> Json:
        """Ask each of them who it is; the description of the cluster by one of them.

        Raises:
            ClusterError: they are of several clusters, or none manages one.
        """
        found: dict[str, Json] = {}
        for one in self._all:
            with suppress(AiServerError):
                info = self._ask(one, lambda c: c.get("/info", timeout=READ_SECONDS))
                if cluster := self._judge(one, info):
                    found[cluster["ID"]] = cluster
        ids = {*found} | ({self.id} if self.id else set())
        if len(ids) > 1:
            raise ClusterError(Text("These managers are of different clusters: {names}",
                                    names=", ".join(one.host for one in self._all)))  # fmt: skip
        if not found:
            raise self._down()
        return next(iter(found.values()))

    def _judge(self, one: _Manager, info: Json) -> Json | None:
        """The cluster that the engine which says *info* manages. None: none, or not ours."""
        swarm = info.get("Swarm") or {}
        if not swarm.get("ControlAvailable"):
            one.state = "no-manager"
            one.problem = Text(
                "The engine at {host} manages no Docker Swarm. On a new one, run there: docker "
                "swarm init",
                host=one.host,
            )
            return None
        cluster: Json = swarm.get("Cluster") or {}
        if why := swarm.get("Error"):
            one.state, one.problem = "no-leader", Text("{why}", why=why)
        if not cluster.get("ID"):
            return None
        if self.id and cluster["ID"] != self.id:
            one.state = "other-cluster"
            one.problem = Text("{host} is of another cluster.", host=one.host)
            return None
        return cluster

    def get(self, path: str, *names: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """The answer to a question."""
        return self.ask(lambda c: c.get(path, *names, params=params, timeout=READ_SECONDS))

    def each(self, path: str) -> Iterator[tuple[str, Json]]:
        """The answers of all managers that answer to a question about their own engine, each with
        the ID of its node."""
        for one in self._all:
            with suppress(AiServerError):
                info = self._ask(one, lambda c: c.get("/info", timeout=READ_SECONDS))
                yield (
                    str(info["Swarm"]["NodeID"]),
                    self._ask(one, lambda c: c.get(path, timeout=READ_SECONDS)),
                )

    def find(self, path: str, name: str) -> Json | None:
        """The object *name* at *path*. None: there is none."""
        try:
            found: Json = self.get(f"{path}/{{}}", name)
        except ObjectNotFoundError:
            return None
        return found

    def create(self, path: str, body: Json) -> str:
        """Create an object; its ID.

        Raises:
            ObjectConflictError: there is one of its name. If a manager was lost in between, it may
                be ours.
        """
        answer = self.ask(lambda c: c.post(f"{path}/create", body=body, timeout=READ_SECONDS))
        return str(answer.get("ID") or answer.get("Id"))

    def change(self, path: str, found: Json, spec: Json, **params: str) -> None:
        """Give the object *found* another *spec*, if nobody has changed it since.

        Raises:
            EngineRequestError: somebody has.
        """
        version = found["Version"]["Index"]
        params = {"version": version, **params}
        self.ask(
            lambda c: c.post(
                f"{path}/{{}}/update", found["ID"], body=spec, params=params, timeout=READ_SECONDS
            )
        )

    def remove(self, path: str, name: str) -> None:
        """Remove the object *name*, if it is there."""
        with suppress(ObjectNotFoundError):
            self.ask(lambda c: c.call("DELETE", f"{path}/{{}}", name, timeout=READ_SECONDS))

    def stream(self, path: str, name: str, params: Mapping[str, str]) -> Stream:
        """A streamed answer of the manager that answered last. To be closed."""
        return self.ask(
            lambda c: c.stream("GET", path, name, params=params, timeout=READ_SECONDS).open()
        )

    def ask(self, question: Callable[[Connection], _Answer]) -> _Answer:
        """The answer of a manager to *question*; of the next one if it is gone.

        Raises:
            ClusterDownError: none can answer, for as long as this waits.
            AiServerError: one refused.
        """
        end = time.monotonic() + self._patience
        while True:
            for one in self._order():
                try:
                    answer = self._ask(one, question)
                except AiServerError as error:
                    if lost(error) is None:
                        raise
                    continue
                with self._lock:
                    self._first = one
                return answer
            if time.monotonic() >= end or self._is_given_up():
                raise self._down()
            time.sleep(_PAUSE_SECONDS)

    def _order(self) -> Iterator[_Manager]:
        with self._lock:
            first = self._first
        yield first
        yield from (one for one in self._all if one is not first)

    def _ask(self, one: _Manager, question: Callable[[Connection], _Answer]) -> _Answer:
        try:
            answer = question(one.connection)
        except AiServerError as error:
            if state := lost(error):
                _logger.info("the manager %s of %s: %s", one.host, self.name, error)
                one.state, one.problem = state, error.text
            raise
        one.state, one.problem = "answers", None
        return answer

    def _down(self) -> ClusterDownError:
        hosts = {one.host: one.state for one in self._all}
        if "no-leader" in hosts.values():
            text = Text(
                "The cluster {name} has no leader: too few of its managers are left to decide "
                "anything. What runs goes on. Start the missing managers again. Those that "
                "answer: {hosts}",
                name=self.name,
                hosts=Listed([host for host, state in hosts.items() if state == "no-leader"]),
            )
        else:
            whys = [one.problem for one in self._all if one.problem]
            why = chained(whys) if whys else "-"
            text = Text("No manager of the cluster {name} answers: {why}", name=self.name, why=why)
        return ClusterDownError(text, managers=[*hosts])

    def close(self) -> None:
        """Close all connections."""
        for one in self._all:
            one.connection.close()


def is_there(error: ObjectConflictError | EngineRequestError) -> bool:
    """Whether *error* says that an object of this name exists already."""
    return isinstance(error, ObjectConflictError) or "already exists" in str(error)
