"""The owner's core, with the interface that the command line uses for its own core."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Condition, Thread
from typing import Any, Final, NoReturn, Self, cast

from aiserver_tray.base.errors import AiServerError, NotRunningError, OwnerEndedError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.features.logs.events import (
    FOLLOWED,
    FollowedLines,
    KeptLogsJson,
    LogBounds,
    LogLineJson,
)
from aiserver_tray.features.monitoring.events import STATS, WATCHED
from aiserver_tray.features.monitoring.samples import SampleJson
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.message import Message
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


# -- the kept logs of the owner, for commands -----------------------------------------------------


_PAGE_LINES: Final = 1000

_WAIT_SECONDS: Final = 0.5
"""Seconds between two waits. On Windows, Ctrl-C does not interrupt a wait."""

_MAX_WAITING: Final = 10_000
"""Lines that wait for a slow reader. If more come, the newest are dropped, and asked for later."""

_SETTLE_SECONDS: Final = 1.0
"""Seconds without a line until the lines of containers that have ended are complete: the owner
keeps them a moment after they were written."""

Filter = Mapping[str, Any]
"""A `LogFilterForm`."""


class RemoteLogs:
    """Reads the kept logs of the owner that *client* is connected to.

    Every method raises `NotRunningError` if the owner is gone, and `RemoteError` if the filter is
    wrong.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def bounds(self) -> LogBounds:
        """The times of the kept lines, and which new lines are not kept."""
        return cast("LogBounds", self._request("bounds"))

    def kept(self) -> KeptLogsJson:
        """The modules with kept lines, and problems."""
        return cast("KeptLogsJson", self._request("kept"))

    def tails(
        self, wanted: Filter, services: Sequence[str], number: int, **more: str
    ) -> list[list[LogLineJson]]:
        """The last *number* lines of each of *services* (``module/service``), oldest first.
        *more*: further fields of `ai/logs/lines`."""
        # One page has the last lines of most services.
        limit = min(_PAGE_LINES, 2 * number * len(services))
        if not limit:
            return []
        page = self._request("lines", filter=wanted, limit=limit, **more)
        tails: dict[str, list[LogLineJson]] = {service: [] for service in services}
        for line in page["lines"]:
            tails.setdefault(f"{line['module']}/{line['service']}", []).append(line)
        for service in () if page["isEnd"] else services:
            if (missing := number - len(tails[service])) > 0:
                of_it = {**wanted, "modules": [], "services": [service]}
                older = self._newest(of_it, missing, **more, before=page["reached"])
                tails[service] += older
        return [lines[:number][::-1] for lines in tails.values()]

    def _newest(self, wanted: Filter, number: int, **more: str) -> list[LogLineJson]:
        """At most *number* lines, newest first."""
        found: list[LogLineJson] = []
        while len(found) < number:
            limit = min(number - len(found), _PAGE_LINES)
            page = self._request("lines", filter=wanted, limit=limit, **more)
            found += page["lines"]
            if page["isEnd"]:
                break
            more["before"] = page["reached"]
        return found

    def oldest(self, wanted: Filter, **more: str) -> Iterator[LogLineJson]:
        """All lines, oldest first. *more*: further fields of `ai/logs/lines`."""
        after = ""
        while True:
            page = self._request("lines", filter=wanted, after=after, limit=_PAGE_LINES, **more)
            yield from page["lines"]
            if page["isEnd"]:
                return
            after = page["reached"]

    def follow(
        self,
        wanted: Filter,
        history: Callable[[str], Iterable[LogLineJson]],
        is_live: Callable[[], bool],
    ) -> Iterator[LogLineJson]:
        """The lines of *history*, which gets the cursor up to which it has to read, then each that
        is kept later, as long as *is_live*. A slow reader gets all of them, too."""
        stream = _Stream(self._client, wanted)
        kept = stream.begin()
        yield from history(kept)
        quiet_since = time.monotonic()
        while True:
            if lines := stream.take():
                yield from lines
                kept, quiet_since = lines[-1]["cursor"], time.monotonic()
            elif stream.has_missed:
                before, kept = kept, stream.begin()
                yield from self.oldest(wanted, keptAfter=before, keptUntil=kept)
            elif is_live():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= _SETTLE_SECONDS:
                return

    def _request(self, channel: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        return self._client.request(f"ai/logs/{channel}", asked)


class _Stream:
    """The lines that *wanted* accepts, as they are kept. A reader that is too slow misses some, and
    has to ask for them."""

    def __init__(self, client: Client, wanted: Filter) -> None:
        self._client = client
        self._wanted = wanted
        self._id = 0
        self._changed = Condition()
        self._lines: list[LogLineJson] = []
        self._is_lost = False
        self.has_missed = False
        """Whether `take` returns no more lines before the next `begin`."""
        client.subscribe((FOLLOWED.name,), self._put, self._lose)

    def begin(self) -> str:
        """Begin, or begin again. Returns the cursor of the last line that was kept before."""
        with self._changed:
            self._id += 1
            self._lines, self.has_missed = [], False
        asked = {"streamId": f"logs-{self._id}", "filter": self._wanted}
        until = self._client.request("ai/logs/follow", asked)["keptUntil"]
        if self._id > 1:
            self._client.request("ai/logs/unfollow", {"streamId": f"logs-{self._id - 1}"})
        return str(until)

    def take(self) -> list[LogLineJson]:
        """The next lines in the order in which they were kept; none if none comes soon.

        Raises:
            NotRunningError: the owner is gone.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._is_lost, _WAIT_SECONDS)
            if self._is_lost and not self._lines:
                raise NotRunningError
            lines, self._lines = self._lines, []
            return lines

    # -- in the reader's thread -----------------------------------------------------------------

    def _put(self, message: Message) -> None:
        event = cast("FollowedLines", json.loads(message.payload))
        with self._changed:
            if event["streamId"] != f"logs-{self._id}":
                return
            is_full = len(self._lines) + len(event["lines"]) > _MAX_WAITING
            self.has_missed = self.has_missed or is_full or event["dropped"] > 0
            if not self.has_missed:
                self._lines += event["lines"]
                self._changed.notify()

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify()
