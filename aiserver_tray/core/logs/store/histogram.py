"""Counts of lines by time. Blocks within one part of the time are counted without unpacking."""

import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.answers import Counts
from aiserver_tray.core.logs.store.line import Cursor
from aiserver_tray.core.logs.store.scan import Blocks, Span
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


def histogram(blocks: Blocks, parts: Parts, before: Cursor | None, budget_seconds: float) -> Counts:
    """Count the wanted lines, the newest blocks first."""
    deadline = time.monotonic() + budget_seconds
    time_span = Span(Cursor(parts.begin, 0), Cursor(parts.end, 0))
    wanted = Span.of(blocks.wanted, before=before)
    span = Span(max(time_span.low, wanted.low), min(time_span.high, wanted.high))
    counts: Counter[tuple[int, int]] = Counter()
    done: list[Item] = []
    reached = None
    for item in blocks.newest_first(span):
        edge = Cursor(item.head.last + 1, 0)
        if edge < span.high and time.monotonic() > deadline:
            reached = edge
            break
        counts.update(_counts(blocks, item, span, parts))
        done.append(item)
    if reached:  # lines before it are for the next answer
        rest = Span(span.low, reached)
        for item in done:
            if item.head.first < reached.time:
                counts.subtract(_counts(blocks, item, rest, parts))
    return _answer(blocks, parts, counts, reached)


def _counts(blocks: Blocks, item: Item, span: Span, parts: Parts) -> "Counter[tuple[int, int]]":
    """Of a block: (part, tag) -> lines."""
    tags = blocks.counts(item)
    if not tags:
        return Counter()
    first, last = parts.part(item.head.first), parts.part(item.head.last)
    if first == last and span.holds(item) and not blocks.search:
        return Counter({(first, tag): count for tag, count in tags.items()})
    lines = blocks.lines(item, span)
    if not lines:
        return Counter()
    times, places, rows = lines.columns.times, lines.columns.places, lines.rows
    counts: Counter[tuple[int, int]] = Counter()
    begin = 0
    while begin < len(rows):
        part = parts.part(times[rows[begin]])
        end = bisect_left(rows, parts.begin_of(part + 1), begin, key=times.__getitem__)
        found = Counter(map(places.__getitem__, rows[begin:end]))
        counts.update({(part, lines.tags[place]): count for place, count in found.items()})
        begin = end
    return counts


def _answer(
    blocks: Blocks, parts: Parts, counts: "Counter[tuple[int, int]]", reached: Cursor | None
) -> Counts:
    buckets = [Counter[Level]() for _ in range(parts.count)]
    levels, modules = Counter[Level](), Counter[str]()
    for (part, tag), count in counts.items():
        if count and (label := blocks.label(tag)):
            source, kind = label
            buckets[part][kind.level] += count
            levels[kind.level] += count
            modules[source.module] += count
    return Counts(buckets, levels, modules, reached)
