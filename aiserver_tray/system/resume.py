"""Noticing that the machine slept.

No system tells a program without a window of it in the same way, but each has a clock that goes on
while it sleeps, and waits that don't: a wait that took far too long by that clock was a sleep. A
process that was stopped for a while looks the same, and has as much to catch up with.
"""

import sys
import threading
import time
from collections.abc import Callable

_POLL_SECONDS = 5.0
_SLEEP_THRESHOLD_SECONDS = 10.0


def clock() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # Unlike time.monotonic, which is the other one there.
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class ResumeWatch:
    """Calls *resumed* after the machine slept: within seconds, in a thread of its own, or at once
    in that of who calls `check`. *now* stands for the clock."""

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
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Look at the clock without waiting for the next time."""
        with self._lock:
            now = self._now()
            has_slept = now - self._before > self._interval + _SLEEP_THRESHOLD_SECONDS
            if has_slept:
                self._before = now
        if has_slept:
            self._resumed()

    def _watch(self) -> None:
        self._begin_wait()
        while not self._over.wait(self._interval):
            self.check()
            self._begin_wait()

    def _begin_wait(self) -> None:
        with self._lock:
            self._before = self._now()
