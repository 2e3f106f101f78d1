"""What is on its way to one client."""

import time
from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import Final, Literal

MOST_WAITING: Final = 16 * 2**20
"""Bytes that may wait for a client to read them."""

PAUSE: Final = 0.02
"""Seconds between two looks at what is new: what happens meanwhile is told as one."""

News = Literal["news"]


class Outbox:
    """Frames, which are sent in order, and the sign that there is something new to look at, which
    counts once however often it was given. *on_overflow* is called when too much waits."""

    def __init__(self, on_overflow: Callable[[], None]) -> None:
        self._on_overflow = on_overflow
        self._changed = Condition()
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._has_news = False
        self._next_look = 0.0
        self._is_closed = False

    def put(self, frame: bytes) -> None:
        """Let *frame* be sent. Returns at once."""
        with self._changed:
            if self._is_closed:
                return
            if self._size + len(frame) <= MOST_WAITING:
                self._frames.append(frame)
                self._size += len(frame)
                self._changed.notify()
                return
            self._end()
        self._on_overflow()

    def touch(self) -> None:
        """There is something new. Returns at once."""
        with self._changed:
            self._has_news = True
            self._changed.notify()

    def take(self) -> bytes | News | None:
        """What is next; blocks until there is something. None: it was closed, and all is taken."""
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                if self._has_news and now >= self._next_look:
                    self._has_news = False
                    self._next_look = now + PAUSE
                    return "news"
                if self._frames:
                    break
                self._changed.wait(self._next_look - now if self._has_news else None)
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._size -= len(frame)
            return frame

    def close(self) -> None:
        """Take nothing any more; what waits is still to be sent."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _end(self) -> None:
        self._is_closed = True
        self._frames.clear()
        self._size = 0
        self._changed.notify()
