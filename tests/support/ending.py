"""How tests and benchmarks are ended from outside: with all that they have started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


def end_in_order() -> None:
    """Let SIGTERM and Ctrl-C raise ``KeyboardInterrupt``, so that what was begun is taken down.

    Also where both were ignored, as Ctrl-C is by what a shell script starts in the background:
    every process that is started, the applet among them, would ignore it, too.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    # A terminal's Ctrl-C comes here and to dev.py, which then sends SIGTERM. A second Ctrl-C is
    # from who does not want to wait for the end.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.default_int_handler(number, frame)


@contextmanager
def on_hang_up(action: signal.Handlers) -> Iterator[None]:
    """What programs that are started within the block do when their terminal is gone. The tests
    may run under ``nohup``, which ignores that."""
    before = signal.signal(signal.SIGHUP, action)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
