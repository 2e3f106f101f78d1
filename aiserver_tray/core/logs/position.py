"""Reading a log on from where it was left, so that no line is lost or repeated. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiserver_tray.engine.values import LogLine, LogStreamName

OVERLAP_NANOSECONDS = 5 * 10**9
"""Read again before the last line. Lines of the other output behind it may be a little older."""


class Mark(NamedTuple):
    """How far one output of a container was read, by the engine's times in nanoseconds."""

    last: int
    """time of its last line"""
    newest: int
    """its highest time: the clock may have been set back after that"""


class Missing(NamedTuple):
    """Lines are missing between these times, in nanoseconds."""

    begin: int
    end: int


class Position:
    """How far the log of a container was read: the *marks* of its outputs.

    The engine always returns the lines of a log in the same order, and times rise within one
    output. They may go back from one output to the other, and anywhere if the clock is set back. A
    log that was rotated may lack the last line that was read. Then it goes on with the first line
    that is newer than any that was read. *first*: the time of the first line that is wanted.
    """

    def __init__(
        self, marks: Mapping[LogStreamName, Mark] | None = None, first: int | None = None
    ) -> None:
        self.marks = dict(marks or {})
        self.missing: list[Missing] = []
        """Gaps that were found and not taken yet."""
        self._first = first
        self._replayed: dict[LogStreamName, Mark] = {}
        """Outputs whose lines may have been read before."""
        self._reached: set[LogStreamName] = set()
        """Those of them whose last line has come again."""
        self._is_new = True

    @property
    def since(self) -> int | None:
        """The time from which to read the log on; None: from its beginning."""
        if not self.marks:
            return self._first
        since = max(mark.last for mark in self.marks.values()) - OVERLAP_NANOSECONDS
        return max(since, self._first) if self._first is not None else since

    def reopen(self) -> int | None:
        """Prepare for lines that were read before, and return `since`."""
        since = self.since
        if since is not None:
            # No line of the others can come again.
            self._replayed = {n: mark for n, mark in self.marks.items() if mark.newest >= since}
        self._reached = set()
        self._is_new = True
        return since

    def take(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        """Those of *lines*, the next of the log, that were not read before. Moves behind them."""
        new = [line for line in lines if self._takes(line)] if self._replayed else lines
        last: dict[LogStreamName, int] = {}
        newest = {name: mark.newest for name, mark in self.marks.items()}
        for stream, time, _ in new:
            if time is not None:
                last[stream] = time
                if time > newest.get(stream, -1):
                    newest[stream] = time
        for stream, time in last.items():
            self.marks[stream] = Mark(time, newest[stream])
        return new

    def _takes(self, line: LogLine) -> bool:
        if line.time is not None:  # otherwise it goes with the line before
            self._is_new = self._is_behind(line.stream, line.time)
        return self._is_new

    def _is_behind(self, stream: LogStreamName, time: int) -> bool:
        mark = self._replayed.get(stream)
        if mark is None:
            return True
        if time == mark.last:
            self._reached.add(stream)
            return False
        if stream not in self._reached:
            if time <= mark.newest:
                return False
            self.missing.append(Missing(mark.last, time))
        del self._replayed[stream]
        return True
