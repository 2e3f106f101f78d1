"""Cancelling a wait for the engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation(threading.Event):
    """An event that also interrupts blocked reads when it is set, so that no thread polls it."""

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
        """Within the block, call *close* when this is set, in the thread that sets it; at once if
        it is already set."""
        with self._guard:
            self._closers.append(close)
        try:
            if self.is_set():
                close()
            yield
        finally:
            with self._guard:
                self._closers.remove(close)
