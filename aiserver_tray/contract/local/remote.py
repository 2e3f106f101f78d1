"""The host's core, as the command line uses one of its own."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Condition, Thread
from types import TracebackType
from typing import NoReturn, Self

from aiserver_tray.base.errors import AiServerError, HostEndedError, NotRunningError
from aiserver_tray.contract.contract import Json
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.local.mirror import Mirror
from aiserver_tray.model import OperationView, Snapshot
from aiserver_tray.operations.request import Request
from aiserver_tray.state.codec import operation_of, snapshot_of

_PATIENCE = 3.0
"""Seconds for the host to know of the engine."""


class RemoteCore:
    """Store and operations of the host that *client* is connected to, between ``with`` and its
    end. What was begun goes on after that.

    When it is entered, it is known whether the engine can be reached, or that it is slow to answer.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.store = RemoteStore(client)
        self.operations = RemoteOperations(client, self.store)

    def __enter__(self) -> Self:
        with suppress(TimeoutError):
            self.store.wait_until(_knows_engine, _PATIENCE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def publish_modules(self) -> None:
        """The host tells of every module by itself."""


def _knows_engine(snapshot: Snapshot) -> bool:
    return snapshot.engine.running or snapshot.engine.error is not None


@dataclass(frozen=True)
class RemoteState:
    """What the host showed at one moment, as far as it was told."""

    operations: tuple[OperationView, ...]
    make_snapshot: Callable[[], Snapshot]

    @property
    def snapshot(self) -> Snapshot:
        """Everything.

        Raises:
            NotRunningError: the host is gone.
        """
        return self.make_snapshot()


class RemoteStore:
    """What the host shows."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._changed = Condition()
        self._is_lost = False
        self._observers: tuple[Callable[[RemoteState], object], ...] = ()
        self._views: dict[str, tuple[Json, OperationView]] = {}
        self._mirror = Mirror(client, self._on_change, self._lose)

    @property
    def snapshot(self) -> Snapshot:
        """What the host shows now.

        Raises:
            NotRunningError: it is gone.
        """
        return snapshot_of(self._client.request("ai/snapshot/get"))

    def flush(self) -> None:
        """What the host tells holds all that it knows."""

    def wait_until(
        self, predicate: Callable[[Snapshot], bool], timeout: float | None = None
    ) -> Snapshot:
        """The first snapshot, from the current one on, for which *predicate* holds.

        Raises:
            NotRunningError: the host is gone.
            TimeoutError: *timeout* seconds have passed.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not predicate(snapshot := snapshot_of(self._mirror.snapshot())):
                if self._is_lost:
                    raise NotRunningError
                if not self._changed.wait(until and until - time.monotonic()):
                    raise TimeoutError
            return snapshot

    def observe(self, callback: Callable[[RemoteState], object]) -> Callable[[], None]:
        """Call *callback* with the current state and with every later one, until what is returned
        is called. It must return at once."""
        with self._changed:
            self._observers += (callback,)
        callback(self._state())

        def leave() -> None:
            with self._changed:
                self._observers = tuple(o for o in self._observers if o is not callback)

        return leave

    def _state(self) -> RemoteState:
        with self._changed:
            known = self._views
            self._views = {
                operation["id"]: known[operation["id"]]
                if operation["id"] in known and known[operation["id"]][0] is operation
                else (operation, operation_of(operation))
                for operation in self._mirror.operations()
            }
            views = tuple(view for _, view in self._views.values())
            snapshot = self._mirror.snapshot()
        return RemoteState(views, lambda: snapshot_of(snapshot))

    def _on_change(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._observers:
            self.tell(self._state())

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()
        self.tell(RemoteState((), _gone))

    def tell(self, state: RemoteState) -> None:
        """Tell *state* to all who observe."""
        for observer in self._observers:
            observer(state)


def _gone() -> NoReturn:
    raise NotRunningError


class RemoteOperations:
    """Starts operations in the host."""

    def __init__(self, client: Client, store: RemoteStore) -> None:
        self._client = client
        self._store = store

    def start(self, request: Request) -> "RemoteOperation":
        """Begin *request* there.

        Raises:
            NotRunningError, RemoteError: the host is gone, or does not take it.
        """
        id = self._client.request("ai/operation/start", request.as_json())["operationId"]
        view = OperationView(id, request.kind, request.modules)
        return RemoteOperation(self._client, self._store, view)


class RemoteOperation:
    """One request on its way in the host. How it ends is asked there: of those that end together
    the host shows only the last."""

    def __init__(self, client: Client, store: RemoteStore, view: OperationView) -> None:
        self.id = view.id
        self.view = view
        self._client = client
        self._store = store
        self._thread = Thread(target=self._follow, name="remote-operation", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Begin no further step; what runs is ended first."""
        with suppress(AiServerError):  # it is over, or the host is gone: `view` will tell
            self._client.request("ai/operation/cancel", {"id": self.id})

    def wait(self) -> OperationView:
        """How it ended."""
        self._thread.join()
        return self.view

    def _follow(self) -> None:
        try:
            answer = self._client.request("ai/operation/wait", {"id": self.id})
            self.view = operation_of(answer["operation"])
        except NotRunningError:
            self.view = replace(self.view, status="failed", error=HostEndedError())
        except AiServerError as error:
            self.view = replace(self.view, status="failed", error=error)
        self._store.tell(RemoteState((self.view,), lambda: self._store.snapshot))
