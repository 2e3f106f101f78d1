"""What a rule for log lines would have told: counted from the kept logs."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

from aiserver_tray.features.alerts.facts import Streak
from aiserver_tray.features.alerts.kinds import MatchingLine
from aiserver_tray.features.logs.line import Cursor, Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader

SPAN_SECONDS: Final = 24 * 3600
PARTS: Final = 48
BUDGET_SECONDS = 1.5
"""Seconds after which no more lines are read. Other readers get their turn in between."""
_PAGE: Final = 10_000
_NANOSECONDS: Final = 10**9


class RulePreview(TypedDict):
    """What a rule would have told in the last 24 hours."""

    begin: float
    """seconds since 1970, as the other times"""
    end: float
    parts: list[int]
    """the lines in each of equal parts of that time"""
    lines: int
    """how many match"""
    alerts: int
    """how often the rule would have notified"""
    since: float
    """earlier lines are not counted, because they are not kept, or counting takes too long"""
    isComplete: bool
    """no lines since then are missing"""


def preview(rule: MatchingLine, reader: LogReader, now: float) -> RulePreview:
    """What *rule* would have told until *now* (seconds since 1970), but for gaps.

    Raises:
        LogFilterError: the pattern is no regular expression of RE2.
        LogStoreError: the kept lines can't be read.
    """
    begin, end = round((now - SPAN_SECONDS) * _NANOSECONDS), round(now * _NANOSECONDS)
    modules = () if rule.module is None else (rule.module,)
    wanted = LogFilter(modules=modules, levels=rule.levels, since=begin, until=end)
    counted = _Newest(reader, wanted)
    found = [line for line in counted.lines() if rule.watch.matches(line)][::-1]
    parts, by_service = [0] * PARTS, defaultdict[tuple[str, str], list[float]](list)
    for line in found:
        by_service[line.module, line.service].append(line.time / _NANOSECONDS)
        parts[(line.time - begin) * PARTS // (end - begin)] += 1
    first = reader.bounds().first
    since = max(begin, counted.since or begin, end if first is None else first)
    return {
        "begin": begin / _NANOSECONDS,
        "end": end / _NANOSECONDS,
        "parts": parts,
        "lines": len(found),
        "alerts": sum(_notifications(rule, times) for times in by_service.values()),
        "since": since / _NANOSECONDS,
        "isComplete": not [gap for gap in reader.gaps(wanted) if gap.end > since],
    }


class _Newest:
    """The lines of a filter, the newest first, as many as there is time for."""

    def __init__(self, reader: LogReader, wanted: LogFilter) -> None:
        self.since: int | None = None
        """The time before which lines were not read. None: all were."""
        self._reader = reader
        self._wanted = wanted

    def lines(self) -> Iterator[Line]:
        deadline = time.monotonic() + BUDGET_SECONDS
        before: Cursor | None = None
        while True:
            page = self._reader.older(self._wanted, before, _PAGE)
            yield from (line for _, line in page.lines)
            if (before := page.reached) is None:
                return
            if time.monotonic() >= deadline:
                self.since = before.time
                return


def _notifications(rule: MatchingLine, times: Iterable[float]) -> int:
    """How often *rule* notifies of lines of one service, at *times* in seconds, in order."""
    streak = Streak(rule.watch)
    alerts: list[tuple[float, float]] = []
    for moment in times:
        if streak.add(moment):
            alerts.append((moment, streak.ends_at))
        elif streak.number:
            alerts[-1] = (alerts[-1][0], streak.ends_at)
    number, quiet_until = 0, float("-inf")
    for begin, end in alerts:
        # A notification waits for the end of the pause after the one before, if its alert lasts.
        if (told := max(begin, quiet_until)) <= end:
            quiet_until = told + rule.cooldown * 60
            number += 1
    return number
