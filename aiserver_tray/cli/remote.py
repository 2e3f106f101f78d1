"""The core behind a client, for commands: that of the owner, or one in the command's process."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from queue import SimpleQueue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final, NoReturn, Self, cast

from aiserver_tray.base.errors import AiServerError, NotRunningError, OwnerEndedError
from aiserver_tray.base.queues import available
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.message import AnyClient, Json, Message
from aiserver_tray.state.encode import operation_of, snapshot_of
from aiserver_tray.state.views import OperationView, Snapshot

if TYPE_CHECKING:
    from aiserver_tray.features.monitoring.samples import SampleJson

EVENTS: Final = (PROGRESS.name, SNAPSHOT.name)

_ENGINE_TIMEOUT_SECONDS = 3.0
"""Seconds for the owner to find out whether the engine responds."""


class RemoteCore:
    """Store, operations and samples behind *client*, within ``with``. Operations of an owner
    continue after that.

    Entering waits, for a limited time, until the state says whether the engine responds.
    """

    def __init__(self, client: AnyClient) -> None:
        self.client = client
        self.store = RemoteStore(client)
        self.operations = RemoteOperations(client, self.store)

    def __enter__(self) -> Self:
        with suppress(TimeoutError):
            self.store.wait_until(_knows_engine, _ENGINE_TIMEOUT_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def samples(self) -> Iterator["SampleJson"]:
        """The newest sample, if it is known, then a new one every second. While the engine does not
        respond, a sample has no loads.

        Raises:
            NotRunningError: the owner is gone.
        """
        from aiserver_tray.features.monitoring.events import WATCHED  # noqa: PLC0415 - few need it

        newest = cast("SampleJson", self.client.request("ai/stats/newest"))
        if newest["total"]["cpu"] is not None:
            yield newest
        samples: SimpleQueue[bytes | None] = SimpleQueue()
        self.client.subscribe(
            (WATCHED.name,), lambda message: samples.put(message.payload), lambda: samples.put(None)
        )
        self.client.request("ai/stats/watch")
        while True:
            for payload in available(samples)[-1:]:
                if payload is None:
                    raise NotRunningError
                yield json.loads(payload)


def _knows_engine(snapshot: Snapshot) -> bool:
    return snapshot.engine.running or snapshot.engine.error is not None


@dataclass(frozen=True)
class RemoteState:
    """The latest data from the owner."""

    operations: tuple[OperationView, ...]
    """with their steps"""
    snapshot: Callable[[], Snapshot]
    """Returns everything, or raises NotRunningError if the owner is gone."""


class RemoteStore:
    """The state as *client* gets it."""

    def __init__(self, client: AnyClient) -> None:
        self._client = client
        self._changed = Condition()
        self._is_lost = False
        self._observers: tuple[Callable[[RemoteState], object], ...] = ()
        self._snapshot: bytes | None = None
        self._operations: dict[str, OperationView] = {}
        client.subscribe(EVENTS, self._take, self._lose)

    @property
    def snapshot(self) -> Snapshot:
        """The current state, read with a request.

        Raises:
            NotRunningError: the owner is gone.
        """
        return snapshot_of(self._client.request("ai/snapshot/get"))

    @property
    def latest(self) -> Snapshot:
        """The state that was sent last. Waits for the first one.

        Raises:
            NotRunningError: the owner is gone.
        """
        return self.wait_until(lambda _: True)

    def wait_until(
        self, predicate: Callable[[Snapshot], bool], timeout: float | None = None
    ) -> Snapshot:
        """The first snapshot, from the current one on, for which *predicate* is true.

        Raises:
            NotRunningError: the owner is gone.
            TimeoutError: *timeout* seconds have passed.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                if self._snapshot is not None:
                    snapshot = _decoded(self._snapshot)
                    if predicate(snapshot):
                        return snapshot
                if self._is_lost:
                    raise NotRunningError
                if not self._changed.wait(until and until - time.monotonic()):
                    raise TimeoutError

    def observe(self, callback: Callable[[RemoteState], object]) -> Callable[[], None]:
        """Call *callback* with the current state and with every later one. It must return at once.
        Returns a function that stops this."""
        with self._changed:
            self._changed.wait_for(lambda: self._snapshot is not None or self._is_lost)
            self._observers += (callback,)
            # Within the lock, so that no later state comes first.
            callback(self._state())

        def leave() -> None:
            with self._changed:
                self._observers = tuple(o for o in self._observers if o is not callback)

        return leave

    def notify(self, state: RemoteState) -> None:
        for observer in self._observers:
            observer(state)

    def _state(self) -> RemoteState:
        with self._changed:
            snapshot = self._snapshot
            if snapshot is None or self._is_lost:
                return RemoteState((), _raise_not_running)
            return RemoteState(tuple(self._operations.values()), lambda: _decoded(snapshot))

    # -- in the reader's thread -----------------------------------------------------------------

    def _take(self, message: Message) -> None:
        with self._changed:
            if message.event == PROGRESS.name:
                self._keep(operation_of(json.loads(message.payload)["operation"]))
            else:
                self._snapshot = message.payload
                self._forget_others()
            is_known = self._snapshot is not None
            self._changed.notify_all()
        if is_known:
            self.notify(self._state())

    def _keep(self, view: OperationView) -> None:
        """Add *view*. Of finished operations, only the last one is kept, as in the store."""
        known = self._operations.items()
        kept = {id: one for id, one in known if not (one.is_over and view.is_over)}
        self._operations = kept | {view.id: view}

    def _forget_others(self) -> None:
        """Keep the operations that are in the state, in its order. If two end at once, only the end
        of the last one is sent."""
        if len(self._operations) > 1:
            listed = [view["id"] for view in json.loads(self._snapshot or "{}")["operations"]]
            self._operations = {i: self._operations[i] for i in listed if i in self._operations}

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()
        self.notify(RemoteState((), _raise_not_running))


@lru_cache(1)
def _decoded(snapshot: bytes) -> Snapshot:
    return snapshot_of(json.loads(snapshot))


def _raise_not_running() -> NoReturn:
    raise NotRunningError


class RemoteOperations:
    """Plans and starts operations behind *client*."""

    def __init__(self, client: AnyClient, store: RemoteStore) -> None:
        self._client = client
        self._store = store

    def plan(self, request: Request) -> Json:
        """The steps of *request*, and notices for the user: an `OperationPlan`.

        Raises:
            NotRunningError, AiServerError: the owner is gone; all blockers of *request*.
        """
        return self._client.request("ai/operation/plan", request.as_json())

    def start(self, request: Request) -> "RemoteOperation":
        """Start *request*.

        Raises:
            NotRunningError, AiServerError: the owner is gone, or refuses it.
        """
        asked = request.kind, request.modules
        return self.begin("ai/operation/start", request.as_json(), *asked)

    def begin(
        self, channel: str, payload: Json, kind: OperationKind, modules: tuple[str, ...]
    ) -> "RemoteOperation":
        """Start an operation of *kind* on *modules* by *channel*. Raises as `start` does."""
        return self.follow(self._client.request(channel, payload)["operationId"], kind, modules)

    def follow(self, id: str, kind: OperationKind, modules: tuple[str, ...]) -> "RemoteOperation":
        """The operation *id* of *kind* on *modules*, which was started already."""
        return RemoteOperation(self._client, self._store, OperationView(id, kind, modules))


class RemoteOperation:
    """An operation of the owner. It requests its result, because the state shows only the last one
    of two operations that finish together."""

    def __init__(self, client: AnyClient, store: RemoteStore, view: OperationView) -> None:
        self.id = view.id
        self.view = view
        self._client = client
        self._store = store
        self._thread = Thread(target=self._follow, name="remote-operation", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Start no further steps; running ones finish."""
        with suppress(AiServerError):  # it is over, or the owner is gone: `view` will show that
            self._client.request("ai/operation/cancel", {"id": self.id})

    def wait(self) -> OperationView:
        self._thread.join()
        return self.view

    def _follow(self) -> None:
        try:
            answer = self._client.request("ai/operation/wait", {"id": self.id})
            self.view = operation_of(answer["operation"])
        except NotRunningError:
            self.view = replace(self.view, status="failed", error=OwnerEndedError())
        except AiServerError as error:
            self.view = replace(self.view, status="failed", error=error)
        self._store.notify(RemoteState((self.view,), lambda: self._store.snapshot))
