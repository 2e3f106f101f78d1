"""Counts of lines by time. Blocks within one part of the time are counted without unpacking."""

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass

from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.answers import Counts
from aiserver_tray.core.logs.store.line import Cursor
from aiserver_tray.core.logs.store.scan import Blocks, Lines, Span
from aiserver_tray.core.logs.store.table import Item


@dataclass(frozen=True)
class Parts:
    """A time in equal parts."""

    begin: int
    end: int
    count: int

    def part(self, moment: int) -> int:
        """The part of a time."""
        return (moment - self.begin) * self.count // (self.end - self.begin)

    def begin_of(self, part: int) -> int:
        """The first time of a part."""
        return self.begin - (-part * (self.end - self.begin) // self.count)


class _Tally:
    """Counts lines by part and tag."""

    def __init__(self, blocks: Blocks, parts: Parts) -> None:
        self._blocks = blocks
        self._parts = parts
        self._counts: dict[tuple[int, int], int] = defaultdict(int)

    def add(self, item: Item, span: Span, sign: int = 1) -> None:
        """Add the lines of a block that are in a span, or take them off."""
        part = self._parts.part(item.head.first)
        if (
            part == self._parts.part(item.head.last)
            and span.holds(item)
            and not self._blocks.search
        ):
            for tag, count in zip(*item.head.counts(), strict=True):
                self._counts[part, tag] += sign * count
        elif lines := self._blocks.lines(item, span):
            self._add_lines(lines, sign)

    def _add_lines(self, lines: Lines, sign: int) -> None:
        times, places, rows = lines.columns.times, lines.columns.places, lines.rows
        begin = 0
        while begin < len(rows):
            part = self._parts.part(times[rows[begin]])
            next_begin = self._parts.begin_of(part + 1)
            end = bisect_left(rows, next_begin, begin, key=times.__getitem__)
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
    overlapping: list[Item] = []
    for item in blocks.newest_first(span):
        edge = Cursor(item.head.last + 1, 0)
        overlapping = [other for other in overlapping if other.head.first < edge.time]
        if edge < span.high and time.monotonic() > deadline:
            for other in overlapping:  # lines before the edge are for the next answer
                tally.add(other, span._replace(high=edge), -1)
            return tally.answer(edge)
        tally.add(item, span)
        overlapping.append(item)
    return tally.answer(None)
