"""Reading a log on from where it was left, so that no line is lost or repeated."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiserver_tray.engine.values import LogLine

_OVERLAP = timedelta(seconds=5)
"""Read again before the last line. Lines behind it may be a little older, and engines before
version 23 leave out each line that is older than requested."""


@dataclass
class Position:
    """How far a log was read: up to its last line. The engine always returns the lines of a log in
    the same order, but their times may go back: a little from one output to the other, and by any
    amount if the clock is set back."""

    _first: datetime | None = None
    _newest: datetime | None = None
    _last: datetime | None = None
    _count: Counter[str] = field(default_factory=Counter)
    """By output: the lines with the time of the last one."""

    def pass_(self, line: "LogLine") -> None:
        """Move behind *line*."""
        if line.time is None:
            return
        if line.time != self._last:
            self._last = line.time
            self._count = Counter()
        self._count[line.stream] += 1
        self._first = self._first or line.time
        self._newest = max(self._newest or line.time, line.time)

    @property
    def since(self) -> datetime | None:
        """The time from which to read the log on; None if no line was read."""
        if self._first is None or self._last is None:
            return None
        return max(self._last - _OVERLAP, self._first)

    def rest(self) -> "Rest":
        """A filter for the lines since `since`."""
        return Rest(self._newest, self._last, self._count.copy())


class Rest:
    """Decides for each line of a log that is read on whether it is new: all lines behind the last
    one that was read. If that line is gone, because the log was rotated or the container recreated,
    all lines from the first one on that is newer than any that was read."""

    def __init__(self, newest: datetime | None, last: datetime | None, count: Counter[str]) -> None:
        self._newest = newest
        self._last = last
        self._missing = count
        self._is_behind = newest is None
        self._was_new = True

    def is_new(self, line: "LogLine") -> bool:
        """Whether *line*, the next one of the log, was not read before."""
        if line.time is not None:  # otherwise it is a part of the line before
            self._was_new = self._is_new(line.stream, line.time)
        return self._was_new

    def _is_new(self, stream: str, time: datetime) -> bool:
        if self._is_behind or (self._newest and time > self._newest):
            self._is_behind = True
            return True
        if time == self._last:
            self._missing -= Counter([stream])
            self._is_behind = not self._missing
        return False
