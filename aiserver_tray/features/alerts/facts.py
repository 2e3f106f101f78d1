"""The facts that rules look at: times, measurements, and log lines that match. Pure: the time is an
argument."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import SGR, in_line
from aiserver_tray.features.logs.line import Kept, Line
from aiserver_tray.features.logs.store.database import LogFilterError

Subject = tuple[str, str | None]
"""A module, or a service of it."""


class Moment(NamedTuple):
    """A time by two clocks."""

    clock: float
    """Seconds of a clock that nobody can set."""
    time: float
    """Seconds since 1970."""


@dataclass
class Due:
    """Compares times with now, and keeps the earliest that is still to come. Seconds."""

    now: float
    next: float | None = None

    def reached(self, at: float) -> bool:
        """Whether it is *at* or later."""
        if self.now >= at:
            return True
        self.next = at if self.next is None else min(self.next, at)
        return False


class Disk(NamedTuple):
    """The engine's disk, in bytes."""

    free: int
    total: int


class Excess(NamedTuple):
    """A use over the limit of a rule."""

    since: float
    """When the first sample over the limit was taken, in seconds of the clock."""
    value: float
    """In the newest sample, in the unit of the limit."""
    calm_samples: int = 0
    """The newest samples in a row that are below the limit."""


class Hits(NamedTuple):
    """Lines of a service that match a rule."""

    number: int
    last: float
    """When the last line came, in seconds of the clock."""
    text: str
    """The last line."""


QUIET_LOG_SECONDS: Final = 60.0
"""Seconds without a further line after which an alert about single lines is over."""
_MAX_LINE: Final = 300
"""Characters of a line that an alert shows."""
_MAX_MEMORY: Final = 8 * 2**20
"""Bytes that a compiled pattern may take."""


class LineWatch(NamedTuple):
    """The lines that a rule looks for."""

    matches: Callable[[Line], bool]
    lines: int = 1
    """The number of lines of a service from which on there is an alert."""
    seconds: float = 0.0
    """The time in which that many must come."""

    @property
    def quiet_seconds(self) -> float:
        """Seconds without a further line after which an alert is over."""
        return max(QUIET_LOG_SECONDS, self.seconds if self.lines > 1 else 0.0)


class Streak:
    """Lines of a service that match a rule, with the times of a clock of your choice."""

    def __init__(self, watch: LineWatch) -> None:
        self.watch = watch
        self.number = 0
        """Of the lines of the alert. 0: there is none, because too few lines came."""
        self._times = deque[float](maxlen=watch.lines)

    @property
    def last(self) -> float:
        """When the last line came."""
        return self._times[-1]

    @property
    def ends_at(self) -> float:
        """When the alert is over if no further line comes."""
        return self.last + self.watch.quiet_seconds

    def add(self, time: float) -> bool:
        """Add a line, and return whether an alert begins with it."""
        if self._times and time > self.ends_at:
            self.number = 0
        self._times.append(time)
        if self.number:
            self.number += 1
            return False
        is_full = len(self._times) == self.watch.lines
        if is_full and time - self._times[0] <= self.watch.seconds:
            self.number = self.watch.lines
        return self.number > 0


class Lines:
    """Follows lines, which `see` gets from any thread."""

    def __init__(self) -> None:
        self.watches: Mapping[str, LineWatch] = {}
        """By the id of the rule."""
        self._streaks: dict[tuple[str, str, str], tuple[Streak, str]] = {}
        """With the last line, by rule, module and service."""
        self._lock = Lock()

    def see(self, lines: Iterable[Kept], now: float, since: int = 0) -> bool:
        """Take *lines* in, and return whether one matches a rule. Those that were written before
        *since* (nanoseconds since 1970) are no news: they are only stored now."""
        if not (watches := self.watches):
            return False
        new = (line for _, line in lines if line.time >= since)
        found = [(id, line) for line in new for id, one in watches.items() if one.matches(line)]
        with self._lock:
            for id, line in found:
                key = (id, line.module, line.service)
                streak, _ = self._streaks.get(key, (None, ""))
                if streak is None or streak.watch[1:] != watches[id][1:]:
                    streak = Streak(watches[id])
                streak.add(now)
                self._streaks[key] = streak, _shown(line)
        return bool(found)

    def hits(self, due: Due) -> Mapping[str, Mapping[tuple[str, str], Hits]]:
        """The lines of alerts: by the id of the rule, then by module and service."""
        found: dict[str, dict[tuple[str, str], Hits]] = {id: {} for id in self.watches}
        with self._lock:
            self._streaks = {
                key: (streak, text)
                for key, (streak, text) in self._streaks.items()
                if key[0] in found and not due.reached(streak.ends_at)
            }
            for (id, module, service), (streak, text) in self._streaks.items():
                if streak.number:
                    found[id][module, service] = Hits(streak.number, streak.last, text)
        return found


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a match of *pattern*, colours aside.

    Raises:
        LogFilterError: it is no regular expression of RE2.
    """
    if not pattern:
        return lambda _text: True
    import re2  # noqa: PLC0415 - takes memory, and few rules have a pattern

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        why = error.args[0] if error.args else ""
        reason = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        text = Text("The pattern is no regular expression: {reason}", reason=reason)
        raise LogFilterError(text, "pattern") from None
    return lambda text: search(_plain(text)) is not None


def _plain(text: str) -> str:
    return SGR.sub("", text) if "\x1b" in text else text


def _shown(line: Line) -> str:
    text = in_line(_plain(line.text)).strip()
    return text if len(text) <= _MAX_LINE else f"{text[:_MAX_LINE]}…"
