"""The logs of several services as one stream of lines."""

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice
from queue import Full, Queue
from time import sleep
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    ObjectNotFoundError,
    UnsupportedError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.queues import available
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.features.logs.lines import Position
from aiserver_tray.features.logs.parser import LineParser, Parsed
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.views import ServiceView, Snapshot

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.engine.logs import LogStream
    from aiserver_tray.engine.values import LogLine
    from aiserver_tray.state.store import Store


@dataclass(frozen=True)
class Source:
    """A service whose log is wanted."""

    module: str
    service: str
    container: str

    @property
    def name(self) -> str:
        return self.module if self.module == self.service else f"{self.module}/{self.service}"

    @property
    def unreadable(self) -> Text:
        """The message if the engine can't read its log."""
        return Text(
            "Can't show the log of {service}, because the engine can't read logs of its logging "
            "driver. To see the log here, set logging.driver to local in compose.override.yaml. "
            "Then run: aiserver-tray up {module}",
            service=self.name,
            module=self.module,
        )


def sources(snapshot: Snapshot, names: Sequence[str]) -> list[Source]:
    """The services of *names*, as `is_named` has them, that have a container."""
    return [source for source, view in _named(snapshot, names).items() if view.state != "absent"]


def _named(snapshot: Snapshot, names: Sequence[str]) -> dict[Source, ServiceView]:
    return {
        Source(module.name, service.name, service.container): service
        for module in snapshot.modules
        for service in module.services
        if is_named(names, module.name, service.name)
    }


def is_named(names: Sequence[str], module: str, service: str) -> bool:
    """Whether *names* of modules and of services (``module/service``) include this service. Without
    names, all services are included."""
    return not names or module in names or f"{module}/{service}" in names


_BUFFER_BATCHES: Final = 50
"""Reads of the engine's answers that wait for a slow reader; then the engine does. Each has at most
16 KiB."""
AT_ONCE: Final = 500
"""Existing lines in a batch. Many are compared with a filter faster than one by one."""

_HELD_LINES: Final = 100
"""Existing lines that are held back while they are sorted. The engine gives each line its time
before it waits for its turn to write, so lines of one output may stand behind later ones of the
other (moby, daemon/logger/copier.go)."""

_RETRY_SECONDS = 0.1
"""Seconds before a log is read on whose connection was cut."""
_ATTEMPTS: Final = 5
"""How often existing lines of an engine elsewhere are asked for without getting one."""


@dataclass(frozen=True)
class Span:
    """The requested part of each log: since *since* (nanoseconds since 1970), the last *tail*."""

    since: int | None = None
    tail: int | None = None
    attempts: int = 1
    """How often the connection may be lost without a line in between."""


Item = tuple[Source, "LogLine"]
OnUnreadable = Callable[[Source], None]
"""Called with each source whose log the engine can't read; the others continue."""


def attempts(store: "Store") -> int:
    """How often to ask the engine of *store* for existing lines. A lost connection to one elsewhere
    says nothing about the engine."""
    return _ATTEMPTS if store.state.is_elsewhere else 1


def history(
    engine: "Engine",
    wanted: Sequence[Source],
    span: Span,
    on_unreadable: OnUnreadable,
    positions: Mapping[Source, Position] = MappingProxyType({}),
) -> Iterator[Item]:
    """The existing lines of all services by time, of some only those behind their *positions*.

    Raises:
        EngineDownError: the engine is lost, as often as *span* has attempts.
    """
    logs = (
        _numbered(engine, source, positions.get(source, Position()), span, on_unreadable)
        for source in wanted
    )
    for _, source, line in heapq.merge(*logs, key=lambda item: item[0]):
        yield source, line


class Parsing:
    """Parses lines of services. Each output of a service is parsed by itself, because the lines of
    the other one may come in the middle of an entry."""

    def __init__(self) -> None:
        self._parsers: dict[tuple[Source, str], LineParser] = {}

    def parsed(self, lines: Iterable[Item]) -> Iterator[tuple[Source, "LogLine", Parsed]]:
        """*lines*, which follow those before, with what they state."""
        for source, line in lines:
            parser = self._parsers.setdefault((source, line.stream), LineParser(line.stream))
            yield source, line, parser.parse(line.text, line.time)


def _numbered(
    engine: "Engine", source: Source, position: Position, span: Span, on_unreadable: OnUnreadable
) -> Iterator[tuple[int, Source, "LogLine"]]:
    """Lines by their time; one without takes that of the line before it in its output."""
    try:
        for time, line in _by_time(_read_on(engine, source, position, span)):
            yield time, source, line
    except ObjectNotFoundError:
        return  # removed meanwhile
    except UnsupportedError:
        on_unreadable(source)


def _read_on(
    engine: "Engine", source: Source, position: Position, span: Span
) -> Iterator["LogLine"]:
    """The existing lines behind *position*, over as many connections as it takes."""
    failures, tail = 0, span.tail
    while True:
        since = max((at for at in (position.reopen(), span.since) if at is not None), default=None)
        try:
            with engine.containers.logs(source.container, since=since, tail=tail) as log:
                for lines in log.batches():
                    if new := position.take(lines):
                        failures, tail = 0, None  # of the lines that exist, it was the last ones
                        yield from new
            return
        except EngineDownError:
            failures += 1
            if failures >= span.attempts:
                raise
            sleep(_RETRY_SECONDS * failures)


def _by_time(lines: Iterable["LogLine"]) -> Iterator[tuple[int, "LogLine"]]:
    """*lines* of one container with their times, sorted. Those of one output keep their order."""
    held: list[tuple[int, int, LogLine]] = []
    newest: dict[str, int] = {}
    for number, line in enumerate(lines):
        time = newest[line.stream] = max(line.time or 0, newest.get(line.stream, 0))
        heapq.heappush(held, (time, number, line))
        if len(held) > _HELD_LINES:
            yield _first(held)
    while held:
        yield _first(held)


def _first(held: list[tuple[int, int, "LogLine"]]) -> tuple[int, "LogLine"]:
    time, _, line = heapq.heappop(held)
    return time, line


@dataclass
class _Reader:
    """A thread that reads one log on."""

    started_at: datetime | None
    log: "LogStream"
    is_over: bool = False


_Lines = tuple[Source, Sequence["LogLine"]]


@dataclass(frozen=True)
class _End:
    """The end of a log, or the reason why it can't be read on."""

    source: Source
    error: AiServerError | None


@dataclass
class Follower:
    """Follows the logs of *names*, as `is_named` has them, while one of their containers runs.
    Containers that start later are added. If a connection is cut, its log is read on at once,
    unless the engine is down; on an engine elsewhere, once the engine is connected again.
    *on_unreadable* is called once for each source."""

    engine: "Engine"
    store: "Store"
    names: Sequence[str]
    span: Span
    on_unreadable: OnUnreadable
    _positions: dict[Source, Position] = field(default_factory=dict)
    _readers: dict[Source, _Reader] = field(default_factory=dict)
    _cut: set[Source] = field(default_factory=set)
    """Logs whose connection was cut. They may have more lines, even if the container has exited."""
    _unreadable: dict[Source, datetime | None] = field(default_factory=dict)
    """Start time of each container whose log could not be read. A new container may have a log."""
    _begun: int = 0
    _told: set[Source] = field(default_factory=set)
    _queue: "Queue[_Lines | _End]" = field(default_factory=lambda: Queue(_BUFFER_BATCHES))
    _closed: threading.Event = field(default_factory=threading.Event)

    def lines(self) -> Iterator[Item]:
        """All lines: those there are by their time, then each as it comes.

        Raises:
            EngineDownError: the engine went away.
        """
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[Sequence[Item]]:
        """The same lines, as many at once as there are. While no line comes, empty batches do.
        Raises as `lines` does."""
        self._begun = nanoseconds(self.engine.now())
        wanted = sources(self.store.snapshot, self.names)
        span = replace(self.span, attempts=attempts(self.store))
        existing = history(self.engine, wanted, span, self._tell_once)
        while batch := [*islice(existing, AT_ONCE)]:
            for source, items in groupby(batch, key=lambda item: item[0]):
                lines = [line for _, line in items]
                self._positions.setdefault(source, Position(first=lines[0].time)).take(lines)
            yield batch
        try:
            while not self._closed.is_set() and self._is_live():
                yield [*self._arrived()]
        finally:
            self.close()
            for reader in self._readers.values():
                reader.log.close()

    def close(self) -> None:
        """Make `lines` end soon. Can be called from any thread."""
        self._closed.set()

    def _arrived(self) -> Iterator[Item]:
        for item in available(self._queue):
            if isinstance(item, _End):
                self._end(item)
            else:
                source, lines = item
                yield from ((source, line) for line in lines)

    def _end(self, end: _End) -> None:
        if end.error is None:
            self._readers[end.source].is_over = True
        elif isinstance(end.error, EngineDownError):
            del self._readers[end.source]
            self._cut.add(end.source)
        else:
            raise end.error

    def _is_live(self) -> bool:
        """Whether more lines may come. Starts to read what has started, or was cut off."""
        if self._cut:
            self._closed.wait(_RETRY_SECONDS)
            if self.store.state.is_elsewhere and not self.store.snapshot.engine.running:
                return True
        services = _named(self.store.snapshot, self.names)
        started = {source: s.started_at for source, s in services.items() if s.state in ALIVE}
        for source in {**dict.fromkeys(self._cut), **started}:
            self._read(source, started.get(source))
        is_read = all(reader.is_over for reader in self._readers.values()) and not self._cut
        return not (is_read and started.keys() <= self._unreadable.keys())

    def _read(self, source: Source, started_at: datetime | None) -> None:
        if source in self._unreadable and self._unreadable[source] == started_at:
            return
        reader = self._readers.get(source)
        if reader and (not reader.is_over or reader.started_at == started_at):
            return
        self._cut.discard(source)
        position = self._positions.setdefault(source, Position())
        span = self._span_after(position)
        try:
            log = self.engine.containers.logs(
                source.container, since=span.since, tail=span.tail, follow="follow"
            )
        except EngineDownError:
            if not self.store.state.is_elsewhere:
                raise
            self._cut.add(source)
            return
        except ObjectNotFoundError:
            return  # removed meanwhile
        except UnsupportedError:
            self._unreadable[source] = started_at
            self._tell_once(source)
            return
        self._unreadable.pop(source, None)
        self._readers[source] = _Reader(started_at, log)
        work = (source, log, position)
        threading.Thread(target=self._pump, args=work, name="log", daemon=True).start()

    def _span_after(self, position: Position) -> Span:
        """The lines to request from a log that was read up to *position*. The tail applies only to
        lines that existed at the beginning: a log that was empty then is read as a whole."""
        if since := position.reopen():
            return Span(since)
        if self.span.tail is None:
            return self.span
        return Span(max(self.span.since or self._begun, self._begun))

    def _tell_once(self, source: Source) -> None:
        if source not in self._told:
            self._told.add(source)
            self.on_unreadable(source)

    def _pump(self, source: Source, log: "LogStream", position: Position) -> None:
        """Run in its own thread: put new lines into the queue."""
        error = None
        try:
            for lines in log.batches():
                if new := position.take(lines):
                    self._put((source, new))
        except AiServerError as failure:
            error = failure
        self._put(_End(source, error))

    def _put(self, item: "_Lines | _End") -> None:
        """Wait for space while the queue has a reader."""
        while not self._closed.is_set():
            with suppress(Full):
                self._queue.put(item, timeout=0.5)
                return
