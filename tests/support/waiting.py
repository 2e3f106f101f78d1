"""Waiting for what comes in its own time."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import TypeVar

POLL_SECONDS = 0.02

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], what: str, limit: float = 180.0) -> T:
    """The first true result of *probe*. An ``OSError``, ``AssertionError`` or ``LookupError`` of it
    means "not yet".

    Raises:
        AssertionError: there was no such result within *limit* seconds. The message names *what*
            was awaited, and the last result or error of the probe.
    """
    end = time.monotonic() + limit
    while True:
        last: object
        try:
            if found := probe():
                return found
            last = found
        except (OSError, AssertionError, LookupError) as error:
            last = error
        if time.monotonic() + POLL_SECONDS > end:
            raise AssertionError(f"waited {limit} s in vain for {what}: {last!r}")
        time.sleep(POLL_SECONDS)


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
