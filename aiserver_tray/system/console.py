"""This process's own streams, also for a command in a container."""

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

_CHUNK_BYTES = 1 << 16


def prepare_output(stream: io.TextIOWrapper) -> None:
    """If a console can't show a character, print its code instead of raising an exception. On
    Windows, a file or pipe gets UTF-8: the code page of the system lacks most characters."""
    stream.reconfigure(errors="backslashreplace")
    if sys.platform == "win32" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
        stream.reconfigure(encoding="utf-8")


class Console:
    """Input and outputs by their file descriptors."""

    def __init__(self, stdin: int = 0, stdout: int = 1, stderr: int = 2) -> None:
        self._stdin = stdin
        self._outputs = {"stdout": stdout, "stderr": stderr}

    @property
    def is_terminal(self) -> bool:
        """Whether input and output are a terminal that supports raw mode."""
        ends = (self._stdin, self._outputs["stdout"])
        return sys.platform != "win32" and all(os.isatty(end) for end in ends)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the terminal."""
        columns, rows = os.get_terminal_size(self._outputs["stdout"])
        return rows, columns

    @contextmanager
    def feeding(self, send: Callable[[bytes], None]) -> Iterator[None]:
        """Within the block, call *send* with the input, in a thread of its own; with b"" at the
        end."""
        waker, wake = os.pipe()
        feeder = threading.Thread(
            target=self._feed, args=(send, waker), name="console-input", daemon=True
        )
        feeder.start()
        try:
            yield
        finally:
            os.close(wake)
            if sys.platform != "win32":
                feeder.join()
            os.close(waker)

    def _feed(self, send: Callable[[bytes], None], waker: int) -> None:
        while self._waits_for_input(waker):
            try:
                data = os.read(self._stdin, _CHUNK_BYTES)
            except OSError:  # the terminal has gone
                data = b""
            send(data)
            if not data:
                return

    def _waits_for_input(self, waker: int) -> bool:
        """Wait for input or its end (true), or until *waker* is set. Windows can't wait for two
        things at once; there the thread stays in its read."""
        if sys.platform == "win32":
            return True
        ready, _, _ = select.select([self._stdin, waker], [], [])
        return waker not in ready

    def write(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """Put out all of *data*."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._outputs[stream], left) :]

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Pass every key through unchanged, including Ctrl-C. Restores the terminal afterwards."""
        if sys.platform == "win32":
            yield
            return
        import termios  # noqa: PLC0415 - not on Windows
        import tty  # noqa: PLC0415

        before = termios.tcgetattr(self._stdin)
        tty.setraw(self._stdin)
        try:
            yield
        finally:
            termios.tcsetattr(self._stdin, termios.TCSADRAIN, before)

    @contextmanager
    def watching_size(self, changed: Callable[[], None]) -> Iterator[None]:
        """Call *changed* when the window's size changes. Signals reach the main thread only."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGWINCH, lambda _number, _frame: changed())
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)
