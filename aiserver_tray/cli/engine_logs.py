"""The lines for ``aiserver-tray logs`` from the engine."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from aiserver_tray.base.moments import nanoseconds
from aiserver_tray.cli.log_query import LogQuery
from aiserver_tray.core.logs.collect.masking import Masker
from aiserver_tray.core.logs.matcher import Matcher
from aiserver_tray.core.logs.record import LogRecordJson, record
from aiserver_tray.core.logs.source import Source, sources
from aiserver_tray.core.logs.sources import Follower, Item, OnUnreadable, Span, history, parsed
from aiserver_tray.core.logs.store.line import Line

if TYPE_CHECKING:
    from aiserver_tray.core.core import Core

_LINES_BEFORE = 100
"""Lines that are read before a tail: its first line may continue an entry."""

_AT_ONCE = 500
"""Existing lines that are compared with the filter at once, which is faster."""


@dataclass(frozen=True)
class EngineLogs:
    """The lines that *query* asks of the containers of *core*, without *secrets*, as the owner
    keeps them.

    Both methods raise `EngineDownError` if the engine goes away.

    Raises:
        LogFilterError: the query is wrong.
    """

    core: "Core"
    query: LogQuery
    on_unreadable: OnUnreadable
    secrets: Sequence[str]

    def __post_init__(self) -> None:
        Matcher(self.query.filter())

    def lines(self) -> Iterator[LogRecordJson]:
        """The lines that exist, by their times."""
        return map(record, self._tail(self._selected(self._history(), _AT_ONCE)))

    def follow(self) -> Iterator[LogRecordJson]:
        """The lines that exist, then each as it comes, while a container runs."""
        since = self._since
        if self.query.tail is not None:
            # A tail is of the lines that exist now, so these are read first.
            begun = self.core.engine.now()
            yield from replace(self, query=replace(self.query, until=begun)).lines()
            since = max(since or 0, nanoseconds(begun))
        core = self.core
        follower = Follower(
            core.engine, core.store, self.query.names, Span(since), self.on_unreadable
        )
        yield from map(record, self._selected(follower.lines(), 1))

    @property
    def _since(self) -> int | None:
        return nanoseconds(self.query.since) if self.query.since else None

    def _history(self) -> Iterator[Item]:
        query, core = self.query, self.core
        # The engine's own tail is enough if every line counts.
        is_enough = query.tail is not None and not query.selects_lines and query.until is None
        tail = query.tail + _LINES_BEFORE if query.tail is not None and is_enough else None
        wanted = sources(core.store.snapshot, query.names)
        return history(core.engine, wanted, Span(self._since, tail), self.on_unreadable)

    def _selected(self, items: Iterable[Item], at_once: int) -> Iterator[Line]:
        matcher, masker = Matcher(self.query.filter()), Masker(self.secrets)
        lines = _lines(items)
        while part := [*islice(lines, at_once)]:
            texts = masker.mask([line.text for line in part])
            part = [line._replace(text=text) for line, text in zip(part, texts, strict=True)]
            yield from (part[place] for place in matcher.places(part))

    def _tail(self, lines: Iterator[Line]) -> Iterable[Line]:
        """The last ones of each service, in their order."""
        if (tail := self.query.tail) is None:
            return lines
        last: dict[tuple[str, str], deque[tuple[int, Line]]] = defaultdict(
            lambda: deque(maxlen=tail)
        )
        for number, line in enumerate(lines):
            last[line.module, line.service].append((number, line))
        numbered = sorted((pair for pairs in last.values() for pair in pairs), key=lambda p: p[0])
        return (line for _, line in numbered)


def _lines(items: Iterable[Item]) -> Iterator[Line]:
    """*items* as lines of the log store. A part of a longer line has the time of that line."""
    times: dict[Source, int] = {}
    for source, line, found in parsed(items):
        time = times[source] = line.time or times.get(source, 0)
        module, service = source.module, source.service
        yield Line(time, module, service, line.stream, found.level, found.continues, line.text)
