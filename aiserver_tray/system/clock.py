"""Monotonic clocks, noticing that the machine slept, and the time zone."""

import ctypes
import sys
import threading
import time
from collections.abc import Callable


def awake() -> float:
    """Seconds of a clock that stops while the machine sleeps, so that sleep does not use up
    timeouts."""
    if sys.platform == "win32":
        # time.monotonic does not stop there:
        # https://learn.microsoft.com/windows/win32/api/realtimeapiset/nf-realtimeapiset-queryunbiasedinterrupttime
        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 1e7
    return time.monotonic()


_POLL_SECONDS = 5.0
_SLEEP_THRESHOLD_SECONDS = 10.0


def clock() -> float:
    """Seconds of a monotonic clock that continues while the machine sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # time.monotonic stops during sleep there.
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class ResumeWatch:
    """Calls *resumed* after the machine slept: within seconds in its own thread, or at once in a
    thread that calls `check`. *now* replaces the clock.

    No system reports this in the same way to a program without a window. But each has a clock that
    continues during sleep, and waits that do not: if a wait took much too long by that clock, the
    machine slept. A process that was paused looks the same, and has to refresh just as much.
    """

    def __init__(
        self,
        resumed: Callable[[], None],
        *,
        now: Callable[[], float] = clock,
        interval: float = _POLL_SECONDS,
    ) -> None:
        self._resumed = resumed
        self._now = now
        self._interval = interval
        self._lock = threading.Lock()
        self._before = now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resume", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        with self._lock:
            now = self._now()
            has_slept = now - self._before > self._interval + _SLEEP_THRESHOLD_SECONDS
            # Without a gap up to the next wait: a sleep during `_resumed` is one, too.
            self._before = now
        if has_slept:
            self._resumed()

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            self.check()


_UTC = "Etc/UTC"
_OTHER_NAMES_OF_UTC = ("UTC", "UCT", "Universal", "Zulu")


def timezone_name() -> str | None:
    """This computer's time zone by its name in the IANA database, such as ``Europe/Berlin``. None:
    the system has none, or one that the database does not have."""
    # The public functions return the answer of the first call, or warn if the system has none.
    if sys.platform == "win32":
        from tzlocal.win32 import _get_localzone_name  # noqa: PLC0415 - rarely needed
    else:
        from tzlocal.unix import _get_localzone_name  # noqa: PLC0415 - rarely needed
    try:
        name: str | None = _get_localzone_name()  # type: ignore[no-untyped-call]
    except (LookupError, OSError):  # such as zoneinfo.ZoneInfoNotFoundError, which is a KeyError
        return None
    return _UTC if name and name.removeprefix("Etc/") in _OTHER_NAMES_OF_UTC else name
