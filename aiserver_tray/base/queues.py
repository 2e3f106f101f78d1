"""Waiting in a way that Ctrl-C ends on every system."""

from queue import Empty, Queue, SimpleQueue
from typing import TypeVar

_Item = TypeVar("_Item")

_POLL_SECONDS = 0.5
"""Seconds. On Windows, Ctrl-C does not end a wait: it is answered after it."""


_MAX_ITEMS = 1000
"""Items at once: who fills the queue may be faster than who takes."""


def available(
    queue: "SimpleQueue[_Item] | Queue[_Item]", seconds: float = _POLL_SECONDS
) -> list[_Item]:
    """What is in *queue*; waits *seconds* at most for the first of it."""
    found: list[_Item] = []
    try:
        found.append(queue.get(timeout=seconds))
        while len(found) < _MAX_ITEMS:
            found.append(queue.get_nowait())
    except Empty:
        pass
    return found
