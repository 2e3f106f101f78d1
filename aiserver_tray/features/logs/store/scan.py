"""Reading and counting the lines of a filter, in order, from blocks whose times may overlap."""

import heapq
import sqlite3
import time
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Level, Line
from aiserver_tray.features.logs.query import EVERY_NUMBER, Counts, LogFilter
from aiserver_tray.features.logs.store import block, table
from aiserver_tray.features.logs.store.block import Columns, Kind
from aiserver_tray.features.logs.store.search import Search
from aiserver_tray.features.logs.store.table import Item

_UNREADABLE = "\ufffd".encode()
_UNKNOWN_SERVICE = "?"
_IN_SPAN = 'last >= ? AND first <= ? AND "end" > ? AND number < ?'
_FIRST, _LAST = Cursor(-(1 << 62), 0), Cursor(1 << 62, 0)


class Span(NamedTuple):
    """The lines between two cursors, without those at the cursors, that have these numbers."""

    low: Cursor
    high: Cursor
    numbers: range = EVERY_NUMBER

    @classmethod
    def of(
        cls, wanted: LogFilter, after: Cursor | None = None, before: Cursor | None = None
    ) -> "Span":
        """The time and the numbers of a filter, between two cursors."""
        # No line has the number 0.
        since = _FIRST if wanted.since is None else Cursor(wanted.since, 0)
        until = _LAST if wanted.until is None else Cursor(wanted.until, 0)
        low, high = max(since, after or _FIRST), min(until, before or _LAST)
        # Any time may be asked for, and SQLite has integers of 64 bits.
        return cls(min(low, _LAST), max(high, _FIRST), wanted.numbers)

    def holds(self, item: Item) -> bool:
        """Whether all lines of a block are in it."""
        head, numbers = item.head, self.numbers
        is_in_time = self.low.time < head.first and head.last < self.high.time
        return is_in_time and numbers.start <= head.number and head.end <= numbers.stop

    def rows(self, columns: Columns) -> range:
        """The rows of a block that are between the cursors."""

        def cursor(row: int) -> Cursor:
            return Cursor(columns.times[row], columns.numbers[row])

        every = range(len(columns.times))
        begin = bisect_right(every, self.low, key=cursor)
        return range(begin, bisect_left(every, self.high, lo=begin, key=cursor))


class Source(NamedTuple):
    """A service with lines."""

    module: str
    service: str


class Blocks:
    """The blocks of one snapshot of the file, and which of their lines a filter wants."""

    def __init__(self, db: sqlite3.Connection, wanted: LogFilter) -> None:
        self.db = db
        self.wanted = wanted
        self.search = Search(wanted)
        self._sources = {
            number: Source(module, service)
            for number, module, service in db.execute("SELECT id, module, service FROM source")
        }
        self._kinds = {
            kind
            for kind in block.KINDS.values()
            if (not wanted.levels or kind.level in wanted.levels)
            and (not wanted.streams or kind.stream in wanted.streams)
        }
        self._labels: dict[int, tuple[Source, Kind] | None] = {}
        self._damaged: dict[Gap, None] = {}
        self.has_damaged_page = False
        """SQLite can't read some blocks."""

    @property
    def damaged(self) -> Sequence[Gap]:
        """Where wanted lines could not be read until now."""
        return [*self._damaged]

    def note_damaged(self, item: Item, why: block.UnpackError) -> None:
        """Note that a block can't be read."""
        self.has_damaged_page |= isinstance(why, table.DamagedPageError)
        for tag in item.head.counts()[0]:
            if label := self.label(tag):
                self._damaged[Gap(*label[0], item.head.first, item.head.last)] = None

    def source(self, tag: int) -> Source:
        """The source of the lines with this tag."""
        nobody = Source(_UNKNOWN_SERVICE, _UNKNOWN_SERVICE)  # the tag is damaged
        return self._sources.get(block.source_of(tag), nobody)

    def label(self, tag: int) -> tuple[Source, Kind] | None:
        """Source and kind of the lines with this tag; None if they are not wanted."""
        if tag not in self._labels:
            source, kind = self.source(tag), block.kind_of(tag)
            is_wanted = kind in self._kinds and self.wanted.wants_source(*source)
            self._labels[tag] = (source, kind) if is_wanted else None
        return self._labels[tag]

    def newest_first(self, span: Span) -> Iterator[Item]:
        """The blocks of a span, by their last line."""
        return table.items(self.db, f"{_IN_SPAN} ORDER BY last DESC", _values(span))

    def oldest_first(self, span: Span) -> Iterator[Item]:
        """The blocks of a span, by their first line."""
        return table.items(self.db, f"{_IN_SPAN} ORDER BY first", _values(span))

    def lines(self, item: Item, span: Span) -> "Lines | None":
        """The wanted lines of a block; None if it has none, or is damaged: others can be read."""
        try:
            return self._lines(item, span)
        except block.UnpackError as why:
            self.note_damaged(item, why)
            return None

    def _lines(self, item: Item, span: Span) -> "Lines | None":
        tags, _ = item.head.counts()
        places = {place for place, tag in enumerate(tags) if self.label(tag) is not None}
        if not places:
            return None
        found = dict(self.search.lines(table.body(self.db, item))) if self.search else None
        if found == {}:
            return None
        columns = table.columns(self.db, item)
        rows: Sequence[int] = span.rows(columns)
        if found is not None:
            rows = [row for row in found if row in rows]
        if len(places) < len(tags):
            rows = [row for row in rows if columns.places[row] in places]
        if span.numbers != EVERY_NUMBER:
            rows = [row for row in rows if columns.numbers[row] in span.numbers]
        return Lines(self, item, columns, rows, found) if rows else None


def _values(span: Span) -> Sequence[int]:
    return (span.low.time, span.high.time, span.numbers.start, span.numbers.stop)


class Lines:
    """The wanted lines of a block. Their text is unpacked when the first one is read."""

    def __init__(
        self,
        blocks: Blocks,
        item: Item,
        columns: Columns,
        rows: Sequence[int],
        texts: dict[int, bytes] | None,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.tags, _ = item.head.counts()
        self._blocks = blocks
        self._item = item
        self._texts: dict[int, bytes] | Sequence[bytes] | None = texts

    def kept(self, row: int) -> Kept:
        columns = self.columns
        label = self._blocks.label(self.tags[columns.places[row]])
        assert label  # only wanted rows are asked for
        if self._texts is None:
            self._texts = self._unpacked()
        moment = columns.times[row]
        (module, service), (stream, level, continues) = label
        text = str(self._texts[row], "utf-8", "replace")
        line = Line(moment, module, service, stream, level, continues, text)
        return Kept(Cursor(moment, columns.numbers[row]), line)

    def forget_texts(self) -> None:
        """Give the memory of the texts back."""
        self._texts = None

    def _unpacked(self) -> Sequence[bytes]:
        try:
            return table.texts(self._item, table.body(self._blocks.db, self._item))
        except block.UnpackError as why:
            self._blocks.note_damaged(self._item, why)
            return [_UNREADABLE] * len(self.columns.times)


_Entry = tuple[int, int, int, Lines, Iterator[int]]
"""Time and number with the sign of the direction, row, block, further rows."""


class Scan:
    """Lines in one direction, until the budget is used up. Then `reached` is where to go on; at the
    end of the lines it is None."""

    def __init__(self, blocks: Blocks, span: Span, budget_seconds: float) -> None:
        self.reached: Cursor | None = None
        self._blocks = blocks
        self._span = span
        self._deadline = time.monotonic() + budget_seconds

    def newest_first(self) -> Iterator[Kept]:
        opened = _Opened(-1)
        for item in self._blocks.newest_first(self._span):
            yield from opened.lines_before(item.head.last)
            edge = Cursor(item.head.last + 1, 0)
            if edge < self._span.high and self._is_over(edge):
                return
            if lines := self._blocks.lines(item, self._span):
                opened.push(lines, reversed(lines.rows))
        yield from opened.lines_before(_FIRST.time)

    def oldest_first(self) -> Iterator[Kept]:
        opened = _Opened(1)
        for item in self._blocks.oldest_first(self._span):
            yield from opened.lines_before(item.head.first)
            edge = Cursor(item.head.first, 0)
            if edge > self._span.low and self._is_over(edge):
                return
            if lines := self._blocks.lines(item, self._span):
                opened.push(lines, iter(lines.rows))
        yield from opened.lines_before(_LAST.time)

    def _is_over(self, edge: Cursor) -> bool:
        """Whether to stop at *edge*. It is never where the scan began, so each scan gets on."""
        if time.monotonic() < self._deadline:
            return False
        self.reached = edge
        return True


class _Opened:
    """The lines of the blocks that were opened, in order. *sign*: 1 if the oldest is the first."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._heap: list[_Entry] = []

    def push(self, lines: Lines, rows: Iterator[int]) -> None:
        """Add the lines of a block."""
        if (row := next(rows, None)) is not None:
            time_key = self._sign * lines.columns.times[row]
            number_key = self._sign * lines.columns.numbers[row]
            heapq.heappush(self._heap, (time_key, number_key, row, lines, rows))

    def lines_before(self, moment: int) -> Iterator[Kept]:
        """The lines before a time, in this direction."""
        heap = self._heap
        while heap and heap[0][0] < self._sign * moment:
            _, _, row, lines, rows = heapq.heappop(heap)
            yield lines.kept(row)
            self.push(lines, rows)


@dataclass(frozen=True)
class Parts:
    """A time in equal parts."""

    begin: int
    end: int
    count: int

    def part(self, moment: int) -> int:
        return (moment - self.begin) * self.count // (self.end - self.begin)

    def begin_of(self, part: int) -> int:
        """The first time of a part."""
        return self.begin - (-part * (self.end - self.begin) // self.count)


class _Tally:
    """Counts lines by part and tag. Blocks within one part of the time are not unpacked."""

    def __init__(self, blocks: Blocks, parts: Parts) -> None:
        self._blocks = blocks
        self._parts = parts
        self._counts: dict[tuple[int, int], int] = defaultdict(int)

    def add(self, item: Item, span: Span) -> Lines | None:
        """Add the lines of a block that are in a span. Returns them, without their text, if the
        block had to be read."""
        part = self._parts.part(item.head.first)
        is_in_part = part == self._parts.part(item.head.last) and span.holds(item)
        if is_in_part and not self._blocks.search:
            for tag, count in zip(*item.head.counts(), strict=True):
                self._counts[part, tag] += count
            return None
        if lines := self._blocks.lines(item, span):
            lines.forget_texts()
            self._add_lines(lines, lines.rows, 1)
        return lines

    def take_off(self, item: Item, lines: Lines | None, span: Span) -> None:
        """Take off those of the *lines* of a block that are before the end of a span. They are not
        searched again, which takes long for many blocks."""
        if lines is None and not self._blocks.search:
            lines = self._blocks.lines(item, span)
        if lines:
            end = bisect_left(lines.rows, span.high.time, key=lines.columns.times.__getitem__)
            self._add_lines(lines, lines.rows[:end], -1)

    def _add_lines(self, lines: Lines, rows: Sequence[int], sign: int) -> None:
        times, places = lines.columns.times, lines.columns.places
        begin = 0
        while begin < len(rows):
            part = self._parts.part(times[rows[begin]])
            end = bisect_left(rows, self._parts.begin_of(part + 1), begin, key=times.__getitem__)
            for place, count in Counter(map(places.__getitem__, rows[begin:end])).items():
                self._counts[part, lines.tags[place]] += sign * count
            begin = end

    def answer(self, reached: Cursor | None) -> Counts:
        """The counts of wanted lines."""
        buckets = [Counter[Level]() for _ in range(self._parts.count)]
        entries = [Counter[Level]() for _ in range(self._parts.count)]
        levels, modules = Counter[Level](), Counter[str]()
        for (part, tag), count in self._counts.items():
            if count and (label := self._blocks.label(tag)):
                source, kind = label
                buckets[part][kind.level] += count
                entries[part][kind.level] += 0 if kind.continues else count
                levels[kind.level] += count
                modules[source.module] += count
        return Counts(buckets, entries, levels, modules, reached)


def histogram(blocks: Blocks, parts: Parts, before: Cursor | None, budget_seconds: float) -> Counts:
    """Count the wanted lines, the newest blocks first."""
    deadline = time.monotonic() + budget_seconds
    begin, end = Cursor(parts.begin, 0), Cursor(parts.end, 0)
    span = Span.of(blocks.wanted, after=begin, before=min(end, before or end))
    tally = _Tally(blocks, parts)
    overlapping: list[tuple[Item, Lines | None]] = []
    for item in blocks.newest_first(span):
        edge = Cursor(item.head.last + 1, 0)
        overlapping = [other for other in overlapping if other[0].head.first < edge.time]
        if edge < span.high and time.monotonic() > deadline:
            for other in overlapping:  # lines before the edge are for the next answer
                tally.take_off(*other, span._replace(high=edge))
            return tally.answer(edge)
        overlapping.append((item, tally.add(item, span)))
    return tally.answer(None)
