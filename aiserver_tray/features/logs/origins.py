"""Where the lines for a reader come from: the kept logs, or the engine.

Lines come in batches, the oldest first. A batch may be empty, so that nobody waits long for one.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from threading import Event
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import Masker
from aiserver_tray.base.strings import nanoseconds, rfc3339
from aiserver_tray.features.logs.events import JOURNAL
from aiserver_tray.features.logs.follow import Matcher
from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Line
from aiserver_tray.features.logs.lines import Position, PositionMark
from aiserver_tray.features.logs.query import LogFilter, Page
from aiserver_tray.features.logs.store.reader import LogReader, Marks
from aiserver_tray.features.logs.streams import (
    AT_ONCE,
    Follower,
    Item,
    Parsing,
    Source,
    Span,
    attempts,
    history,
    is_named,
    sources,
)
from aiserver_tray.model import AT_REST
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.features.logs.kept import KeptLogs
    from aiserver_tray.state.store import Store

_LINES_BEFORE: Final = 100
"""Lines that are read before a tail: its first line may continue an entry."""
_PAGE_LINES: Final = 1000
POLL_SECONDS: Final = 0.5
"""Seconds until an empty batch."""
WAITING: Final = Text(
    "The connection to the engine is lost. The logs are read on once it is connected again."
)

Batches = Iterator[Sequence[Line]]


@dataclass(frozen=True)
class Wanted:
    """The lines that *filter* accepts; of the existing ones of each service only the last
    *tail*."""

    filter: LogFilter
    tail: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The modules and services (``module/service``), as `is_named` has them."""
        of_services = (f"{module}/{service}" for module, service in self.filter.services)
        return (*self.filter.modules, *of_services)

    def before(self, time: int | None) -> "Wanted":
        """The same, but only lines before *time* (nanoseconds since 1970; None: all)."""
        until = min((one for one in (time, self.filter.until) if one is not None), default=None)
        return replace(self, filter=replace(self.filter, until=until))

    @property
    def selects_lines(self) -> bool:
        """Whether some lines of a service are not wanted, whenever they were written."""
        f = self.filter
        return bool(f.levels or f.text or f.pattern or f.fields or f.streams)


class EngineLines:
    """The *wanted* lines of the containers of *store* on *engine*, without *secrets*, as they would
    be kept.

    All methods raise `EngineDownError` if the engine goes away; `followed` waits for one elsewhere.
    *notify* gets each service whose log can't be read, and that the engine is waited for. *marks*:
    how far the outputs of each container (by ID) are stored elsewhere, from where `existing` goes
    on.
    """

    def __init__(  # noqa: PLR0913 - engine, store, and what is wanted of them
        self,
        engine: "Engine",
        store: "Store",
        wanted: Wanted,
        secrets: Iterable[str],
        notify: Callable[[Text], None],
        *,
        marks: Marks = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._store = store
        self._wanted = wanted
        self._notify = notify
        self._marks = marks
        self._masker = Masker(secrets)
        self._follower: Follower | None = None

    @property
    def now(self) -> int:
        """The engine's time, in nanoseconds since 1970."""
        return nanoseconds(self._engine.now())

    def existing(self, until: int | None = None) -> Batches:
        """The lines that exist, by their times; only those before *until*."""
        yield from self._existing(self._wanted.before(until))

    def followed(self) -> Batches:
        """The lines that exist, then each as it comes, while a container runs."""
        since = None
        if self._wanted.tail is not None:
            # A tail is of the lines that exist now, so these are read first.
            since = self.now
            yield from self.existing(since)
        yield from self.later(since)

    def later(self, since: int | None) -> Batches:
        """The lines since a time (nanoseconds since 1970) or all, then each as it comes, while a
        container runs."""
        wanted, first = self._wanted, self._wanted.filter.since
        since = max((one for one in (since, first) if one is not None), default=None)
        follower = self._follower = Follower(
            self._engine, self._store, wanted.names, Span(since), self._on_unreadable
        )
        yield from self._selected(self._noted(follower.batches()), wanted.filter)

    def _noted(self, batches: Iterable[Sequence[Item]]) -> Iterator[Sequence[Item]]:
        for batch in batches:
            if self._store.snapshot.engine.reconnecting:
                self._notify(WAITING)
            yield batch

    def _on_unreadable(self, source: Source) -> None:
        self._notify(source.unreadable)

    def close(self) -> None:
        """Make `followed` end soon. Can be called from any thread."""
        if self._follower:
            self._follower.close()

    def _existing(self, wanted: Wanted) -> Batches:
        tail = wanted.tail
        # The engine's own tail is enough if every line counts.
        is_enough = not wanted.selects_lines and wanted.filter.until is None
        last = None if tail is None or not is_enough else tail + _LINES_BEFORE
        span = Span(wanted.filter.since, last, attempts(self._store))
        found = sources(self._store.snapshot, wanted.names)
        positions = {source: self._position(source) for source in found} if self._marks else {}
        items = history(self._engine, found, span, self._on_unreadable, positions)
        parts = iter(lambda: [*islice(items, AT_ONCE)], [])
        batches = self._selected(parts, wanted.filter)
        return batches if tail is None else _tail(batches, tail)

    def _position(self, source: Source) -> Position:
        container = self._store.state.containers.get(source.container)
        marks = self._marks.get(container.id, ()) if container else ()
        return Position({mark.stream: PositionMark(mark.time, mark.newest) for mark in marks})

    def _selected(self, batches: Iterable[Sequence[Item]], wanted: LogFilter) -> Batches:
        matcher, parsing = Matcher(wanted), Parsing()
        times: dict[Source, int] = {}
        for batch in batches:
            lines = []
            for source, line, found in parsing.parsed(batch):
                # A part of a longer line has the time of that line.
                moment = times[source] = line.time or times.get(source, 0)
                of = source.module, source.service, line.stream
                lines.append(Line(moment, *of, found.level, found.continues, line.text))
            texts = self._masker.lines([line.text for line in lines])
            lines = [line._replace(text=text) for line, text in zip(lines, texts, strict=True)]
            yield [lines[place] for place in matcher.places(lines)]


def _tail(batches: Batches, number: int) -> Batches:
    """The last *number* lines of each service, in their order."""
    last: dict[tuple[str, str], deque[tuple[int, Line]]] = defaultdict(lambda: deque(maxlen=number))
    count = 0
    for batch in batches:
        for line in batch:
            last[line.module, line.service].append((count, line))
            count += 1
        yield ()
    numbered = sorted((pair for pairs in last.values() for pair in pairs), key=lambda p: p[0])
    yield [line for _, line in numbered]


class KeptLines:
    """The *wanted* lines of *reader*, which *keeping* stores, of the containers of *store*.
    *notify* gets each service or time whose lines can't be read.

    All methods raise `LogFilterError` if the filter is wrong, and `LogStoreError` if the lines
    can't be read.
    """

    def __init__(
        self,
        reader: LogReader,
        keeping: "KeptLogs",
        store: "Store",
        wanted: Wanted,
        notify: Callable[[Text], None],
    ) -> None:
        self._reader = reader
        self._keeping = keeping
        self._store = store
        self._wanted = wanted
        self._names = wanted.names or tuple(module.name for module in store.snapshot.modules)
        modules = tuple(name for name in self._names if "/" not in name)
        self._filter = replace(wanted.filter, modules=modules)
        self._notify = notify
        self._reported: set[tuple[str, str] | Gap] = set()
        self._closed = Event()
        self._running: Mapping[tuple[str, str], object] = {}
        """When each container has started."""
        self._is_settled = False
        """Whether it is known of all that run if their logs can be read."""

    @property
    def has_lines(self) -> bool:
        """Whether there may be lines of the wanted services."""
        stored = {name: size.services for name, size in self._reader.sizes().items()}
        return any(is_named(self._names, name, one) for name in stored for one in stored[name])

    def existing(self, until: int | None = None) -> Batches:
        """The lines that are kept, by their times; only those before *until* (nanoseconds)."""
        self._report()
        until = self._wanted.before(until).filter.until
        yield from self._existing(replace(self._filter, until=until))

    def followed(self) -> Batches:
        """The lines that are kept, then each as it comes, while a container runs.

        Raises:
            EngineDownError: the engine went away.
        """
        self._report()
        changed = Event()
        leave = self._keeping.observe(lambda _lines: changed.set())
        try:
            kept = self._reader.newest_number()
            yield from self._existing(replace(self._filter, numbers=range(kept + 1)))
            yield from self._later(kept, changed)
        finally:
            leave()

    def close(self) -> None:
        """Make `followed` end soon. Can be called from any thread."""
        self._closed.set()

    def _existing(self, wanted: LogFilter) -> Batches:
        if self._wanted.tail is None:
            yield from self._oldest(wanted)
        else:
            tails = self._tails(wanted, self._wanted.tail)
            yield [kept.line for kept in heapq.merge(*tails, key=lambda kept: kept.cursor)]

    def _oldest(self, wanted: LogFilter) -> Batches:
        after: Cursor | None = Cursor(0, 0)
        while after is not None:
            page = self._checked(self._reader.newer(wanted, after, _PAGE_LINES))
            yield [kept.line for kept in page.lines]
            after = page.reached

    def _tails(self, wanted: LogFilter, number: int) -> list[list[Kept]]:
        """The last *number* lines of each service."""
        tails: dict[tuple[str, str], list[Kept]] = {service: [] for service in self._services()}
        # One page has the last lines of most services.
        limit = min(_PAGE_LINES, 2 * number * len(tails))
        if not limit:
            return []
        page = self._checked(self._reader.older(wanted, None, limit))
        for kept in page.lines:
            tails.setdefault((kept.line.module, kept.line.service), []).append(kept)
        for service, lines in () if page.is_end else tails.items():
            of_it = replace(wanted, modules=(), services=(service,))
            lines.extend(self._newest(of_it, page.reached, number - len(lines)))
        return [lines[:number][::-1] for lines in tails.values()]

    def _newest(self, wanted: LogFilter, before: Cursor | None, number: int) -> Iterator[Kept]:
        """At most *number* lines before a cursor, the newest first."""
        while before is not None and number > 0:
            page = self._checked(self._reader.older(wanted, before, min(number, _PAGE_LINES)))
            yield from page.lines
            before, number = page.reached, number - len(page.lines)

    def _services(self) -> Iterator[tuple[str, str]]:
        """All that may have lines."""
        for module, services in known_services(self._store.snapshot, self._reader).items():
            yield from ((module, s) for s in services if is_named(self._names, module, s))

    def _later(self, kept: int, changed: Event) -> Batches:
        """The lines that are stored after the one with the number *kept*."""
        is_over = False
        while not (is_over or self._closed.is_set()):
            changed.wait(POLL_SECONDS)
            changed.clear()
            is_over = not self._is_live() and self._is_complete()
            newest = self._reader.newest_number()
            yield from self._oldest(replace(self._filter, numbers=range(kept + 1, newest + 1)))
            kept = newest

    def _is_complete(self) -> bool:
        """Whether all lines of the containers, which have ended, are stored or can't be."""
        if problem := self._keeping.problem:
            self._notify(problem.text)
            return True
        return self._keeping.is_complete(partial(is_named, self._names))

    def _is_live(self) -> bool:
        """Whether more lines may come.

        Raises:
            EngineDownError: the engine is gone. One elsewhere is waited for.
        """
        snapshot = self._store.snapshot
        if snapshot.engine.reconnecting:
            self._notify(WAITING)
            return True
        snapshot.engine.check_response()
        if is_named(self._names, JOURNAL, "journal"):
            return True
        running = {
            (module.name, service.name): service.started_at
            for module in snapshot.modules
            for service in module.services
            if is_named(self._names, module.name, service.name)
            and service.state != "absent"
            and service.state not in AT_REST
        }
        if running != self._running:
            self._running, self._is_settled = running, False
        if not self._is_settled:
            self._is_settled = {module for module, _ in running}.isdisjoint(self._keeping.behind)
            self._report()
        return not running.keys() <= self._reported

    def _report(self) -> None:
        """Report each service once whose log can't be read."""
        for container in self._keeping.unreadable:
            service = container.module, container.service
            if is_named(self._names, *service) and service not in self._reported:
                self._reported.add(service)
                self._notify(Source(*service, container.name).unreadable)

    def _checked(self, page: Page) -> Page:
        """*page*, after a report of each time in which it lacks lines."""
        for gap in page.damaged:
            if gap not in self._reported:
                self._reported.add(gap)
                text = Text(
                    "Lines of {service} from {begin} to {end} can't be read, because the kept logs "
                    "are damaged there.",
                    service=Source(gap.module, gap.service, "").name,
                    begin=rfc3339(gap.begin),
                    end=rfc3339(gap.end),
                )
                self._notify(text)
        return page


class MergedLines:
    """The lines that *kept* has, and those that only *engine* has, by their times; of each service
    only the last *tail*.

    All methods raise what those of the two do.
    """

    def __init__(self, kept: KeptLines, engine: EngineLines, tail: int | None) -> None:
        self._kept = kept
        self._engine = engine
        self._tail = tail

    def existing(self, until: int | None = None) -> Batches:
        """The lines that exist; only those before *until* (nanoseconds since 1970)."""
        batches = _merged([self._kept.existing(until), self._engine.existing(until)])
        yield from batches if self._tail is None else _tail(batches, self._tail)

    def followed(self) -> Batches:
        """The lines that exist, then each as it comes, while a container runs."""
        begun = self._engine.now
        yield from self.existing(begun)
        yield from self._engine.later(begun)

    def close(self) -> None:
        """Make `followed` end soon. Can be called from any thread."""
        self._engine.close()


def _merged(sources: Sequence[Batches]) -> Batches:
    """The lines of *sources*, each sorted by time, as one that is."""
    waiting = {source: deque[Line]() for source in sources}
    while waiting:
        for source, lines in [*waiting.items()]:
            while not lines:
                if (batch := next(source, None)) is None:
                    del waiting[source]
                    break
                lines.extend(batch)
                yield ()
        yield [*_ready([*waiting.values()])]


def _ready(waiting: Sequence[deque[Line]]) -> Iterator[Line]:
    """Take lines by time from all of *waiting*, until one is empty."""
    while waiting and all(waiting):
        yield min(waiting, key=lambda lines: lines[0].time).popleft()


def known_services(snapshot: Snapshot, reader: LogReader) -> Mapping[str, Collection[str]]:
    """The services of each module that have kept lines, or may get some."""
    found = {m.name: dict.fromkeys(s.name for s in m.services) for m in snapshot.modules}
    found[JOURNAL] = {"journal": None}
    for module, size in reader.sizes().items():
        found.setdefault(module, {}).update(dict.fromkeys(size.services))
    return found
