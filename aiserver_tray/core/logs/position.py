"""Reading a log on from where it was left, so that no line is lost or repeated."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiserver_tray.engine.values import LogLine

_OVERLAP = timedelta(seconds=5)
"""Read again before the newest line: a line may follow newer lines of the other output."""


@dataclass
class _Mark:
    """The time of the last line of an output, and the number of its lines with that time."""

    time: datetime
    count: int = 1


@dataclass
class Position:
    """How far a log was read. Within each of the two outputs, times only rise. From one to the
    other, the log may go back in time, so each output has its own mark."""

    _first: datetime | None = None
    _marks: dict[str, _Mark] = field(default_factory=dict)

    def pass_(self, line: "LogLine") -> None:
        """Move behind *line*."""
        if line.time is None:
            return
        self._first = self._first or line.time
        mark = self._marks.get(line.stream)
        if mark and mark.time == line.time:
            mark.count += 1
        else:
            self._marks[line.stream] = _Mark(line.time)

    @property
    def since(self) -> datetime | None:
        """The time from which to read the log on; None if no line was read."""
        if self._first is None:
            return None
        newest = max(mark.time for mark in self._marks.values())
        return max(newest - _OVERLAP, self._first)

    def rest(self) -> "Rest":
        """A filter for the lines since `since`."""
        return Rest({stream: replace(mark) for stream, mark in self._marks.items()})


class Rest:
    """Decides for each line of a log that is read on whether it is new. An output is new as soon as
    one of its lines is: if the clock is set back later, no line is lost."""

    def __init__(self, marks: dict[str, _Mark]) -> None:
        self._marks = marks
        self._was_new = True

    def is_new(self, line: "LogLine") -> bool:
        """Whether *line*, the next one of the log, was not read before."""
        if line.time is not None:  # otherwise it is a part of the line before
            self._was_new = self._is_new(line.stream, line.time)
        return self._was_new

    def _is_new(self, stream: str, time: datetime) -> bool:
        mark = self._marks.get(stream)
        if mark is None:
            return True
        if time == mark.time and mark.count:
            mark.count -= 1
            return False
        if time < mark.time:
            return False
        del self._marks[stream]
        return True
