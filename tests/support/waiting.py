"""Waiting for what comes in its own time."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import TypeVar

POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.25

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], what: str, limit: float = 180.0) -> T:
    """The first true result of *probe*. An ``OSError``, ``AssertionError`` or ``LookupError`` of it
    means "not yet".

    The pauses grow: what takes seconds is not asked fifty times a second, because each answer
    costs the time of a processor on which the awaited thing may run.

    Raises:
        AssertionError: there was no such result within *limit* seconds. The message names *what*
            was awaited, and the last result or error of the probe.
    """
    start = time.monotonic()
    while True:
        last: object
        asked = time.monotonic()
        try:
            if found := probe():
                return found
            last = found
        except (OSError, AssertionError, LookupError) as error:
            last = error
        now = time.monotonic()
        if now - start + POLL_SECONDS > limit:
            raise AssertionError(f"waited {limit} s in vain for {what}: {last!r}")
        time.sleep(min(pause(now - asked, now - start), start + limit - now))


def pause(cost: float, waited: float) -> float:
    """Seconds until it is asked again for what was asked for *waited* seconds; the last answer took
    *cost* seconds."""
    return min(max(POLL_SECONDS, cost, waited / 20), MAX_POLL_SECONDS)


def see_waiting_for_lock(lock: Path, work: Callable[[], object], proof: Path) -> None:
    """Assert that *work* makes the file *proof* once the file *lock*, which apt and dpkg lock in
    the same way, is free."""
    import fcntl  # noqa: PLC0415 - not on Windows

    early: list[bool] = []

    def release() -> None:
        early.append(proof.exists())
        fcntl.lockf(file, fcntl.LOCK_UN)

    with lock.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        timer = Timer(1, release)
        timer.start()
        work()
        timer.join()
    assert early == [False], "it did not wait"
    assert proof.exists()
