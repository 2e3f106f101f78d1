"""The owner's core, with the interface that the command line uses for its own core."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Condition, Thread
from typing import Final, NoReturn, Self, cast

from aiserver_tray.base.errors import AiServerError, NotRunningError, OwnerEndedError
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.local.remote_logs import RemoteLogs
from aiserver_tray.contract.message import Message
from aiserver_tray.core.stats.samples import SampleJson
from aiserver_tray.features.monitoring.events import STATS, WATCHED
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.operations.request import Request
from aiserver_tray.state.encode import operation_of, snapshot_of
from aiserver_tray.state.views import OperationView, Snapshot

EVENTS: Final = (PROGRESS.name, SNAPSHOT.name)

_ENGINE_TIMEOUT_SECONDS = 3.0
"""For the owner to know of the engine."""


class RemoteCore:
    """Store, operations and kept logs of the owner that *client* is connected to, within ``with``.
    Operations continue after that.

    On entry, it is known whether the engine responds, or that it is slow.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.store = RemoteStore(client)
        self.operations = RemoteOperations(client, self.store)
        self.logs = RemoteLogs(client)

    def __enter__(self) -> Self:
        with suppress(TimeoutError):
            self.store.wait_until(_knows_engine, _ENGINE_TIMEOUT_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def publish_modules(self) -> None:
        """The owner publishes every module by itself."""

    def start_sampling(self, callback: Callable[[SampleJson | None], None]) -> None:
        """Call *callback* with the owner's newest sample and with every later one. None: the owner
        is gone.

        Raises:
            NotRunningError: it is gone already.
        """
        self._client.subscribe(
            (STATS.name,),
            lambda message: callback(json.loads(message.payload)),
            lambda: callback(None),
        )
        callback(cast("SampleJson", self._client.request("ai/stats/newest")))

    def start_watching(self, callback: Callable[[SampleJson | None], None]) -> None:
        """Call *callback* with the owner's newest sample, and with one every second. None: the
        owner is gone.

        Raises:
            NotRunningError: it is gone already.
        """
        callback(cast("SampleJson", self._client.request("ai/stats/newest")))
        self._client.subscribe(
            (WATCHED.name,),
            lambda message: _take_whole(json.loads(message.payload), callback),
            lambda: callback(None),
        )
        self._client.request("ai/stats/watch")


def _take_whole(sample: SampleJson, callback: Callable[[SampleJson], None]) -> None:
    """Leave out the first sample, which has no CPU use."""
    if sample["total"]["cpu"] is not None:
        callback(sample)


def _knows_engine(snapshot: Snapshot) -> bool:
    return snapshot.engine.running or snapshot.engine.error is not None


@dataclass(frozen=True)
class RemoteState:
    """The latest data from the owner. ``operations`` contain their steps."""

    operations: tuple[OperationView, ...]
    make_snapshot: Callable[[], Snapshot]

    @property
    def snapshot(self) -> Snapshot:
        """Everything.

        Raises:
            NotRunningError: the owner is gone.
        """
        return self.make_snapshot()


class RemoteStore:
    """The owner's state as it sends it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._changed = Condition()
        self._is_lost = False
        self._observers: tuple[Callable[[RemoteState], object], ...] = ()
        self._snapshot: bytes | None = None
        self._operations: dict[str, OperationView] = {}
        client.subscribe(EVENTS, self._take, self._lose)

    @property
    def snapshot(self) -> Snapshot:
        """The owner's current state.

        Raises:
            NotRunningError: it is gone.
        """
        return snapshot_of(self._client.request("ai/snapshot/get"))

    def flush(self) -> None:
        """The owner answers with all that it knows."""

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
        """Give *state* to all observers."""
        for observer in self._observers:
            observer(state)

    def _state(self) -> RemoteState:
        with self._changed:
            snapshot = self._snapshot
            if snapshot is None or self._is_lost:
                return RemoteState((), _gone)
            return RemoteState(tuple(self._operations.values()), lambda: _decoded(snapshot))

    # -- in the reader's thread -----------------------------------------------------------------

    def _take(self, message: Message) -> None:
        with self._changed:
            if message.event == PROGRESS.name:
                self._keep(operation_of(json.loads(message.payload)["operation"]))
            else:
                self._snapshot = message.payload
            is_known = self._snapshot is not None
            self._changed.notify_all()
        if is_known:
            self.notify(self._state())

    def _keep(self, view: OperationView) -> None:
        """As in the store: of finished operations, only the last one."""
        kept = {
            id: known
            for id, known in self._operations.items()
            if not (known.is_over and view.is_over)
        }
        self._operations = kept | {view.id: view}

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()
        self.notify(RemoteState((), _gone))


def _decoded(snapshot: bytes) -> Snapshot:
    return snapshot_of(json.loads(snapshot))


def _gone() -> NoReturn:
    raise NotRunningError


class RemoteOperations:
    """Starts operations in the owner."""

    def __init__(self, client: Client, store: RemoteStore) -> None:
        self._client = client
        self._store = store

    def start(self, request: Request) -> "RemoteOperation":
        """Begin *request* there.

        Raises:
            NotRunningError, RemoteError: the owner is gone, or refuses it.
        """
        id = self._client.request("ai/operation/start", request.as_json())["operationId"]
        view = OperationView(id, request.kind, request.modules)
        return RemoteOperation(self._client, self._store, view)


class RemoteOperation:
    """One request that the owner works on. The owner is asked for the result: if two operations
    finish together, the state shows only the last one."""

    def __init__(self, client: Client, store: RemoteStore, view: OperationView) -> None:
        self.id = view.id
        self.view = view
        self._client = client
        self._store = store
        self._thread = Thread(target=self._follow, name="remote-operation", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Begin no further step; running steps are finished first."""
        with suppress(AiServerError):  # it is over, or the owner is gone: `view` will show that
            self._client.request("ai/operation/cancel", {"id": self.id})

    def wait(self) -> OperationView:
        """Wait for the result."""
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
