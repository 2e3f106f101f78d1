"""Waiting for what comes in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.02

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], what: str, limit: float = 60.0) -> T:
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
