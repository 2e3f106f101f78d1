"""Cancelling what waits for the engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation(threading.Event):
    """An event that, once set, also ends what is blocked in reading: nobody has to look at it
    from time to time."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = threading.Lock()
        self._closers: list[Callable[[], None]] = []

    def set(self) -> None:
        super().set()
        with self._guard:
            closers = list(self._closers)
        for close in closers:
            close()

    @contextmanager
    def closes(self, close: Callable[[], None]) -> Iterator[None]:
        """While inside, *close* is called when this is set, in the thread that sets it; at once
        where it is set already."""
        with self._guard:
            self._closers.append(close)
        try:
            if self.is_set():
                close()
            yield
        finally:
            with self._guard:
                self._closers.remove(close)
