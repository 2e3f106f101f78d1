"""Waiting that Ctrl-C can interrupt on every system."""

from queue import Empty, Queue, SimpleQueue
from typing import TypeVar

_Item = TypeVar("_Item")

_POLL_SECONDS = 0.5
"""Seconds between two waits. On Windows, Ctrl-C does not interrupt a wait."""

_MAX_ITEMS = 1000
"""Maximum items at once: a producer may be faster than the consumer."""


def available(
    queue: "SimpleQueue[_Item] | Queue[_Item]", seconds: float = _POLL_SECONDS
) -> list[_Item]:
    """The items in *queue*. Waits at most *seconds* for the first one."""
    found: list[_Item] = []
    try:
        found.append(queue.get(timeout=seconds))
        while len(found) < _MAX_ITEMS:
            found.append(queue.get_nowait())
    except Empty:
        pass
    return found
