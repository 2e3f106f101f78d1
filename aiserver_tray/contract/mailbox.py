"""The queue of frames to one client."""

from collections.abc import Callable, Hashable
from itertools import count
from threading import Condition
from typing import Final

MAX_BYTES: Final = 16 * 2**20
"""Maximum bytes that may wait for a client."""


class Mailbox:
    """Frames for one client, in order. Of frames with the same key only the latest is kept.
    *on_overflow* is called when too much waits; the mailbox is then closed."""

    def __init__(self, on_overflow: Callable[[], None]) -> None:
        self._on_overflow = on_overflow
        self._changed = Condition()
        self._frames: dict[Hashable, bytes] = {}
        self._numbers = count()
        self._size = 0
        self._is_closed = False

    def put(self, frame: bytes, key: Hashable = None) -> None:
        """Add *frame*. Returns at once."""
        with self._changed:
            if self._is_closed:
                return
            key = next(self._numbers) if key is None else key
            # Removed first, so that the latest frame is also sent last.
            self._size += len(frame) - len(self._frames.pop(key, b""))
            self._frames[key] = frame
            is_full = self._size > MAX_BYTES
            if is_full:
                self._is_closed = True
                self._frames.clear()
            self._changed.notify()
        if is_full:
            self._on_overflow()

    def waiting(self) -> int:
        """The bytes that wait."""
        return self._size

    def take(self, timeout: float | None = None) -> list[bytes] | None:
        """All that waits; blocks until there is something. Nothing after *timeout* seconds; None:
        the mailbox was closed, and is empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_closed, timeout)
            frames = list(self._frames.values())
            self._frames.clear()
            self._size = 0
            return None if self._is_closed and not frames else frames

    def close(self) -> None:
        """Take no more frames; those that wait are still to be sent."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
