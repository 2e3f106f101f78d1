"""Showing a running operation on standard error. Ctrl-C cancels it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Literal

import click

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.queues import available
from aiserver_tray.cli.common import INTERRUPTED
from aiserver_tray.cli.progress_lines import ProgressLines
from aiserver_tray.cli.terminal import console, is_terminal
from aiserver_tray.state.views import OperationView

if TYPE_CHECKING:
    from rich.live import Live

    from aiserver_tray.cli.progress_live import ProgressScreen

_FRAME_SECONDS = 0.1
"""Seconds between two frames on a terminal."""
_CANCELLING = Text("Cancelling… (press Ctrl-C again to exit at once)")


Item = OperationView | Literal["interrupt"]


def follow(
    cancel: Callable[[], None], views: "SimpleQueue[Item]", language: Language
) -> OperationView:
    """Show the *views* of an operation until it is over, and return the last one. Ctrl-C calls
    *cancel*; a second Ctrl-C exits."""
    with _display(language) as display, _interrupts(views, display):
        while True:
            found = available(views, _FRAME_SECONDS)
            if "interrupt" in found:
                display.cancelling()
                cancel()
            seen = [item for item in found if item != "interrupt"]
            display.show(seen)
            if seen and seen[-1].is_over:
                return seen[-1]


@contextmanager
def _interrupts(queue: "SimpleQueue[Item]", display: "_Lines | _Screen") -> Iterator[None]:
    """Within the block, the first Ctrl-C puts an item into *queue*, and the second one exits the
    process. The operating system then releases the locks, and the engine finishes its requests."""
    hits = 0

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal hits
        hits += 1
        if hits > 1:
            with suppress(RuntimeError):  # Ctrl-C interrupted a write, so the stream can't be used
                display.restore()
                sys.stdout.flush()
            os._exit(INTERRUPTED)
        queue.put("interrupt")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _display(language: Language) -> "Iterator[_Lines | _Screen]":
    if not is_terminal(sys.stderr):
        yield _Lines(language)
        return
    from rich.live import Live  # noqa: PLC0415 - slow, and only wanted on a terminal

    from aiserver_tray.cli.progress_live import ProgressScreen  # noqa: PLC0415

    screen = console(sys.stderr)
    with Live(console=screen, auto_refresh=False, redirect_stdout=False) as live:
        yield _Screen(live, ProgressScreen(screen, language, time.monotonic()))


class _Lines:
    def __init__(self, language: Language) -> None:
        self._lines = ProgressLines(language)
        self._language = language

    def show(self, views: list[OperationView]) -> None:
        """Show all views since the last call, or none."""
        now = time.monotonic()
        for view in views:
            for line in self._lines.lines(view, now):
                self._write(line)

    def cancelling(self) -> None:
        """The user has asked to cancel."""
        self._write(_CANCELLING.render(self._language))

    def _write(self, line: str) -> None:
        """A closed pipe (``2>&1 | head``) ends the output, not the operation."""
        try:
            click.echo(line, err=True)
        except BrokenPipeError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), sys.stderr.fileno())

    def restore(self) -> None:
        """Restore the terminal. Called from a signal handler before the process exits."""
        sys.stderr.flush()


class _Screen:
    def __init__(self, live: "Live", screen: "ProgressScreen") -> None:
        self._live = live
        self._screen = screen
        self._view: OperationView | None = None
        self._note: Text | None = None
        self._drawn = 0.0

    def show(self, views: list[OperationView]) -> None:
        self._view = views[-1] if views else self._view
        now = time.monotonic()
        if self._view and (self._view.is_over or now - self._drawn >= _FRAME_SECONDS):
            self._drawn = now
            picture = self._screen.draw(self._view, now, note=self._note)
            self._live.update(picture, refresh=True)

    def cancelling(self) -> None:
        self._note = _CANCELLING

    def restore(self) -> None:
        self._live.console.show_cursor()
        self._live.console.line()
