"""Waiting for what comes in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 30.0
"""Seconds after which what has not happened is a failure: the machine may be busy."""

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """What *look* finds, as soon as that is something; an error of it counts as nothing.

    Raises:
        AssertionError: it found nothing in time; tells *what* that would have been.
    """
    end = time.monotonic() + patience
    found: object = None
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except (OSError, AssertionError, LookupError) as error:
            found = error
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}: {found}")
