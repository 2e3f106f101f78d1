"""Keeps the store's picture of our containers true, by the engine's events."""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Literal, Protocol

from aiserver_tray.base.bugs import log_bug, where
from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    EngineNotInstalledError,
    EngineRequestError,
    ObjectNotFoundError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.values import ContainerSummary, EngineInfo, Event
from aiserver_tray.model import AT_REST, Container
from aiserver_tray.state.facts import (
    ContainerGone,
    ContainerSeen,
    ContainersListed,
    EngineDown,
    EngineUp,
)
from aiserver_tray.state.store import Store

BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between attempts to reach an engine that does not answer; the last for all later."""

NOT_INSTALLED_SECONDS = 3.0
"""Seconds between attempts while no engine is installed: the user may be installing one."""

RELIST_SECONDS = 300.0
"""Seconds between full lists, the safety net for an event that got lost."""

_CLOSE_TIMEOUT_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class EventSource(Protocol):
    """Events of our containers since this object was created. The iteration ends after `close`, and
    raises EngineDownError if the engine stops."""

    def __iter__(self) -> Iterator[Event]: ...
    def close(self) -> None: ...


class ContainerSource(Protocol):
    def summaries(self, installation: str | None = None) -> Sequence[ContainerSummary]: ...
    def inspect(self, name_or_id: str, /) -> Container: ...


class WatchedEngine(Protocol):
    """The part of an `Engine` that the watcher uses."""

    @property
    def host(self) -> str: ...
    @property
    def containers(self) -> ContainerSource: ...
    def info(self) -> EngineInfo: ...
    def each(
        self, ask: Callable[[str], Container | None], items: Iterable[str], /
    ) -> Sequence[Container | None]: ...
    def events(self, installation: str, /) -> EventSource:
        """Subscribed when it returns."""


@dataclass(frozen=True, slots=True)
class _Lost:
    """The stream of *source* has ended."""

    source: EventSource
    error: AiServerError


class _RestingError(EngineDownError):
    """Nothing of ours runs on the engine, so it is left alone."""


_RESTING = Text(
    "The engine is stopped, because no module runs. It starts by itself when you start a module."
)


def _is_alive(container: Container) -> bool:
    return container.status not in AT_REST


_Item = Event | _Lost | Literal["refresh", "close"]


class Watcher:
    """Keeps *store* up to date with the containers of *installation*: first all of them, then each
    change.

    An event is only a hint. The watcher inspects the container right away, and merges events that
    arrive in the meantime. If the engine is lost, the store is updated at once, and the watcher
    tries again after the seconds of *back_off*. ``relist``: seconds between full lists.
    ``before_end``: called before the exit of a container is reported, so that the store can learn
    the reason first. ``may_rest``: whether an engine on which nothing of ours runs may be left
    alone, so that it can stop.
    """

    def __init__(  # noqa: PLR0913 - engine, store and intervals
        self,
        engine: WatchedEngine,
        store: Store,
        installation: str,
        *,
        back_off: Sequence[float] = BACKOFF_SECONDS,
        relist: float = RELIST_SECONDS,
        before_end: Callable[[], object] = lambda: None,
        on_answer: Callable[[str], object] = lambda _id: None,
        may_rest: Callable[[], bool] = lambda: False,
    ) -> None:
        self._may_rest = may_rest
        self._before_end = before_end
        self._on_answer = on_answer
        self._engine = engine
        self._store = store
        self._installation = installation
        self._back_off = back_off
        self._relist = relist
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._source: EventSource | None = None
        self._closing = False
        self._failures = 0
        self._oom_at: dict[str, datetime] = {}
        """ID of a container -> its last event of that kind. A restart clears it in `inspect`."""
        self._thread = Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin. The store knows the engine's containers when it says that the engine runs, and
        knows an error when it does not."""
        self._thread.start()

    def refresh(self) -> None:
        """Subscribe and list everything again, or try at once to reach the engine. Events can stop
        without an end of the stream, for example from another machine while this one sleeps."""
        self._inbox.put("refresh")

    def close(self) -> None:
        """Stop, without waiting for an engine that does not respond."""
        self._closing = True
        self._inbox.put("close")
        if (source := self._source) is not None:
            source.close()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._watch()
                continue
            except Exception as failure:  # noqa: BLE001 - any must lead to the next attempt
                error = _as_own_error(failure)
            if self._closing:
                return
            self._store.put(EngineDown(error, datetime.now(UTC)))
            pause = self._back_off[min(self._failures, len(self._back_off) - 1)]
            if isinstance(error, _RestingError):
                pause = math.inf
            if isinstance(error, EngineNotInstalledError):
                pause = min(pause, NOT_INSTALLED_SECONDS)
            self._pause(pause)
            self._failures += 1

    def _watch(self) -> None:
        """Follow one stream of events, until it ends (which is an error) or a refresh is requested.
        Subscribes before listing, so that no change in between is lost."""
        with closing(self._engine.events(self._installation)) as source:
            self._source = source
            reader = Thread(target=self._read, args=[source], name="watcher-events", daemon=True)
            reader.start()
            try:
                info = self._engine.info()
                self._on_answer(info.id)
                self._list()
                self._store.put(EngineUp(info.id, info.version, info.cpus, info.memory))
                self._failures = 0
                self._follow(source)
            finally:
                source.close()
                reader.join(_CLOSE_TIMEOUT_SECONDS)

    def _read(self, source: EventSource) -> None:
        error: AiServerError = EngineDownError(self._engine.host, "its events ended")
        try:
            for event in source:
                self._inbox.put(event)
        except Exception as lost:  # noqa: BLE001 - the watcher must learn of any failure
            error = _as_own_error(lost)
        self._inbox.put(_Lost(source, error))

    def _list(self) -> None:
        """Put all containers into the store. Later changes are in the events."""
        # Taken before the list, so that containers that are created meanwhile count as newer.
        asked_at = time.monotonic()
        ids = [one.id for one in self._engine.containers.summaries(self._installation)]
        found = self._engine.each(self._listed, ids)
        self._store.put(ContainersListed(tuple(filter(None, found)), asked_at))

    def _listed(self, id: str) -> Container | None:
        try:
            return self._inspected(id)
        except ObjectNotFoundError:  # removed meanwhile
            return None
        except EngineRequestError as error:
            _refused(id, error)
            return None

    def _follow(self, source: EventSource) -> None:
        dirty: dict[str, bool] = {}  # id -> whether the container is gone, the oldest first
        due = time.monotonic() + self._relist
        while not self._closing:
            for item in self._received(0 if dirty else due - time.monotonic()):
                match item:
                    case Event(id=id, action=action, time_ns=at):
                        dirty[id] = action == "destroy"
                        if action == "oom":
                            self._oom_at[id] = datetime.fromtimestamp(at / 1e9, UTC)
                    case _Lost(source=lost, error=error) if lost is source:
                        raise error
                    case "refresh":
                        return
            if time.monotonic() >= due:
                if self._may_rest() and not any(map(_is_alive, self._containers())):
                    raise _RestingError(self._engine.host, "", _RESTING)
                dirty.update(dict.fromkeys(self._outdated(), False))
                due = time.monotonic() + self._relist
            if dirty:
                id = next(iter(dirty))
                self._inspect(id, is_gone=dirty.pop(id))

    def _received(self, seconds: float) -> Iterator[_Item]:
        """All that is there; the first of it within *seconds*."""
        with suppress(Empty):
            yield self._inbox.get(timeout=max(0, seconds))
            while True:
                yield self._inbox.get_nowait()

    def _inspect(self, id: str, *, is_gone: bool) -> None:
        """Put the container's current state into the store."""
        if not is_gone:
            try:
                container = self._inspected(id)
                if container.status in AT_REST:
                    self._before_end()
                self._store.put(ContainerSeen(container))
                return
            except ObjectNotFoundError:
                pass
            except EngineRequestError as error:
                _refused(id, error)
                return
        self._before_end()
        self._oom_at.pop(id, None)
        self._store.put(ContainerGone(id))

    def _inspected(self, id: str) -> Container:
        return replace(self._engine.containers.inspect(id), oom_at=self._oom_at.get(id))

    def _outdated(self) -> set[str]:
        """IDs of containers that the store and the engine's list disagree about: the safety net for
        lost events. The list may be behind, so each of them is inspected."""
        known = {container.id: container for container in self._containers()}
        listed = self._engine.containers.summaries(self._installation)
        changed = {s.id for s in listed if not _agrees(known.get(s.id), s)}
        return changed | known.keys() - {s.id for s in listed}

    def _containers(self) -> Collection[Container]:
        return self._store.state.containers.values()

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; `refresh` and `close` cut it short."""
        end = time.monotonic() + seconds
        while (left := min(end - time.monotonic(), self._relist)) > 0:
            if any(item in ("refresh", "close") for item in self._received(left)):
                return


def _refused(id: str, error: EngineRequestError) -> None:
    """Log a container that could not be inspected. Only this container is affected."""
    _logger.warning("the engine could not inspect container %s: %s", id, error)


def _agrees(known: Container | None, listed: ContainerSummary) -> bool:
    if known is None or (known.name, known.status) != (listed.name, listed.status):
        return False
    return known.health == listed.health or known.status != "running"


def _as_own_error(error: Exception) -> AiServerError:
    """*error* as an AiServerError. Any other exception is a bug, which must not end the
    watching."""
    if isinstance(error, AiServerError):
        return error
    log_bug(_logger, "watching the engine failed", error)
    text = Text(
        "Watching the engine failed because of a bug ({where}). It will be retried. Please "
        "report this.",
        where=where(error),
    )
    return AiServerError(text)
