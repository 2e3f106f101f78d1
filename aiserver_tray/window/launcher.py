"""Starting the windows' processes for the tray, and watching them. Imports no browser engine."""

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from aiserver_tray.base.i18n import Language
from aiserver_tray.system.process import bundled_program, give_foreground
from aiserver_tray.window.protocol import PROGRAMS, SHOW, SHOWN, Exit

CLOSE_TIMEOUT_SECONDS: Final = 4.0
"""Seconds for the windows to close when the tray exits; remaining processes are killed."""

_NORMAL_EXITS: Final = (Exit.CLOSED, -signal.SIGTERM)


@dataclass(frozen=True)
class WindowFailure:
    """A window has failed: a module's, or (``module`` None) the dashboard. ``reason``: the last
    line of its process. ``has_engine``: a browser engine exists, so another window may work."""

    module: str | None
    reason: str
    has_engine: bool


class _Window:
    """A window's process. ``module``: None for the dashboard; ``what``: its program and arguments;
    ``page``: the last requested page, empty if there is only one."""

    def __init__(self, module: str | None, what: Sequence[str], page: str) -> None:
        self.module, self.what, self.page = module, what, page
        self._asked = 0
        self._answers = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `outcome`
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `outcome`
        self._process = subprocess.Popen(
            [*_program(what[0]), *what[1:], *(("--page", page) if page else ())],
            stdin=subprocess.PIPE,
            stdout=self._answers,
            stderr=self._complaints,
            bufsize=0,
        )
        assert self._process.stdin
        self._orders: IO[bytes] = self._process.stdin

    def show(self, page: str) -> bool:
        """Whether the process was there to be asked."""
        self.page = page
        give_foreground()
        try:
            self._orders.write(f"{SHOW} {page}\n".encode())
        except (OSError, ValueError):  # it has exited, or its exit was already noticed
            return False
        self._asked += 1
        return True

    def leave(self) -> None:
        self._orders.close()

    def kill(self) -> None:
        self._process.kill()

    def outcome(self) -> tuple[int, str, bool]:
        """Wait for its exit. Returns its status, the last line on stderr, and whether a request to
        show came too late."""
        status = self._process.wait()
        self._orders.close()
        answers, complaints = _lines(self._answers), _lines(self._complaints)
        complaint = complaints[-1].strip()[:300] if complaints else f"exit status {status}"
        return status, complaint, answers.count(SHOWN) < self._asked


def _lines(file: IO[bytes]) -> list[str]:
    with file:
        file.seek(0)
        return file.read().decode(errors="replace").strip().splitlines()


def _program(kind: str) -> list[str]:
    if bundled := bundled_program():
        return [bundled, "window", kind]
    # -P: files in the tray's working folder must not be imported as our modules.
    return [sys.executable, "-P", "-m", PROGRAMS[kind]]


class Windows:
    """The windows of one tray. *language* returns their first language. *on_failure* is called when
    one has failed, in its own thread."""

    def __init__(
        self,
        home: Path,
        language: Callable[[], Language],
        on_failure: Callable[[WindowFailure], None],
    ) -> None:
        self._home = home
        self._language = language
        self._on_failure = on_failure
        self._open: dict[_Window, threading.Thread] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def show_dashboard(self, page: str = "home") -> None:
        """Open the dashboard on *page*, or bring it to the front."""
        self._show(None, ["dashboard", *self._common()], page)

    def open_module(self, name: str, title: str, url: str) -> None:
        """Open the own page of the module *name*, or bring it to the front."""
        own = [f"--module={name}", f"--title={title}", f"--url={url}"]
        self._show(name, ["module", *own, *self._common()], page="")

    def _common(self) -> Sequence[str]:
        return ("--home", str(self._home), "--language", self._language())

    def close(self) -> None:
        """Close all windows, and wait until their processes are gone."""
        with self._lock:
            self._is_closed = True
            windows = dict(self._open)
        for window in windows:
            window.leave()
        for window, watcher in windows.items():
            watcher.join(CLOSE_TIMEOUT_SECONDS)
            if watcher.is_alive():
                window.kill()
                watcher.join()

    def _show(self, module: str | None, what: Sequence[str], page: str) -> None:
        with self._lock:
            if self._is_closed:
                return
            if any(there.show(page) for there in self._open if there.module == module):
                return
            window = _Window(module, what, page)
            watcher = threading.Thread(
                target=self._watch, args=(window,), name="window", daemon=True
            )
            self._open[window] = watcher
            watcher.start()

    def _watch(self, window: _Window) -> None:
        status, complaint, is_owed = window.outcome()
        with self._lock:
            del self._open[window]
            if self._is_closed:
                return
        if status not in _NORMAL_EXITS:
            has_engine = status != Exit.NO_BROWSER
            self._on_failure(WindowFailure(window.module, complaint, has_engine))
        elif is_owed:
            self._show(window.module, window.what, window.page)
