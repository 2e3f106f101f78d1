"""Waiting for what comes in its own time."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer
from typing import Any, TypeVar

from tests.support.limits import SECONDS, stretched

POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.25

T = TypeVar("T")


Changes = Callable[[Callable[[Any], object]], Callable[[], object]]
"""Calls back at each change, such as a store's `observe`. Returns a function that stops this."""


def eventually(
    probe: Callable[[], T | None],
    what: str,
    limit: float = SECONDS,
    *,
    changes: Changes | None = None,
) -> T:
    """The first true result of *probe*. An ``OSError``, ``AssertionError`` or ``LookupError`` of it
    means "not yet".

    It is asked again at each of the *changes*, or without them after pauses that grow: what takes
    seconds is not asked fifty times a second, because each answer costs the time of a processor on
    which the awaited thing may run.

    Raises:
        AssertionError: there was no such result within *limit* seconds, which are more on a busy
            machine. The message names *what* was awaited, and the last result or error of the
            probe.
    """
    changed = Event()
    leave = changes(lambda _: changed.set()) if changes else None
    start = time.monotonic()
    try:
        while True:
            changed.clear()
            last: object
            asked = time.monotonic()
            try:
                if found := probe():
                    return found
                last = found
            except (OSError, AssertionError, LookupError) as error:
                last = error
            now, end = time.monotonic(), start + stretched(limit)
            if now + POLL_SECONDS > end:
                raise AssertionError(f"waited {now - start:.0f} s in vain for {what}: {last!r}")
            changed.wait(end - now if changes else min(pause(now - asked, now - start), end - now))
    finally:
        if leave:
            leave()


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
