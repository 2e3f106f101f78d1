"""The applet as a user has it: a process with an icon on a desktop."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from aiserver_tray.window.protocol import PROGRAMS
from tests.support.desktop.desktop import Desktop
from tests.support.desktop.hurried import QUIET_SECONDS, SLEEP_SECONDS
from tests.support.desktop.looks import Look, look_at, picture_of
from tests.support.desktop.tray_item import TrayItem
from tests.support.installation import Installation
from tests.support.limits import LIMIT, SECONDS
from tests.support.waiting import eventually

STOPPED = "grey mark, grey ring"
STARTING = "indigo mark, amber ring with a gap"
RUNNING = "indigo mark, green disc"
STOPPING = "indigo mark, grey ring of dots"
TROUBLE = "indigo mark, amber triangle"
NOTHING_RUNS = "indigo mark, red square with a cross"
ENGINE_DOWN = "grey mark, grey ring with a slash"

USERS = (sys.executable, "-m", "aiserver_tray")
DEVELOPERS = (sys.executable, "build/dev.py", "run")

_START_SECONDS = 180.0
"""Seconds until the icon is there, under Wine and on a busy machine."""

_HARMLESS = re.compile(r"^\s*$|is deprecated|[Ll]ocale")

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Shown:
    """What the task bar showed from one moment on (of the monotonic clock)."""

    at: float
    look: Look
    tooltip: str


class Applet:
    """The tray of *installation*, its command line, and its icon."""

    def __init__(
        self, desktop: Desktop, installation: Installation, program: Sequence[str] = USERS
    ) -> None:
        self.desktop = desktop
        self.installation = installation
        self.item = TrayItem(desktop.bus)
        self._process: subprocess.Popen[bytes] | None = None
        self._program = program
        self._starts = 0

    @property
    def process(self) -> psutil.Process:
        """The one started last."""
        assert self._process
        return psutil.Process(self._process.pid)

    # -- its processes -------------------------------------------------------------------------

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the applet, as its entry in the desktop's menu does."""
        self._starts += 1
        with (self.installation.home.parent / f"applet-{self._starts}.log").open("wb") as log:
            return self.desktop.start(self._command(), cwd=ROOT, stdout=log, stderr=log)

    def start(self, until: Callable[[], bool] | None = None) -> None:
        """Start it, and wait for its icon: *until* it is there."""
        self._process = self.launch()
        is_there = until or (lambda: self.item.is_there)
        try:
            eventually(lambda: self._is_alive() and is_there(), "icon", _START_SECONDS)
        except AssertionError as error:
            error.add_note(self.complaints())
            raise

    def cli(self, *words: str) -> str:
        """What a command prints. Raises ``CalledProcessError`` where it fails."""
        command = self._command(*words)
        done = subprocess.run(
            command, cwd=ROOT, env=self.desktop.environment, check=True, capture_output=True
        )
        return done.stdout.decode()

    def quits_by_command(self) -> bool:
        """Whether the command ``quit`` finds it."""
        try:
            self.cli("quit")
        except subprocess.CalledProcessError:
            return False
        return True

    def quit(self) -> None:
        """Quit by the menu, and see that nothing is left but the containers."""
        self.item.click("Quit", "Quit and keep everything running")
        self.ends()

    def ends(self) -> None:
        """See that it ends as it should."""
        assert self._process
        assert self._process.wait(LIMIT) == 0, self.complaints()
        # WebKit's own take a moment to notice that their window is gone.
        eventually(self._has_left_none, "end of its processes")
        left = [*self.desktop.path("XDG_RUNTIME_DIR").rglob("*")]
        assert [path for path in left if path.is_socket() and not path.is_symlink()] == []
        assert [*self.desktop.path("TMPDIR").iterdir()] == []
        assert not (self.installation.home / "icon").exists()
        assert self.complaints() == ""

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Stop the process while it lasts, which takes that for a sleep of the machine where it was
        started in a hurry."""
        until = time.monotonic() + SLEEP_SECONDS
        self.process.suspend()
        yield
        eventually(lambda: time.monotonic() > until, "end of the sleep")
        self.process.resume()

    def kill(self) -> None:
        """Kill the tray's process, without warning."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Whatever became of it, nothing of it stays."""
        self.item.close()
        for process in self.processes():
            process.kill()

    def processes(self) -> Iterator[psutil.Process]:
        """All processes of the applet on this desktop, its windows' helpers too."""
        own = self.desktop.environment["XDG_CONFIG_HOME"]
        ours = ("aiserver_tray", "aiserver-tray", "WebKit")
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # it ended, or is a zombie
                if process.environ().get("XDG_CONFIG_HOME") != own:
                    continue
                if any(mark in " ".join(process.cmdline()) for mark in ours):
                    yield process

    def windows(self, kind: str) -> list[psutil.Process]:
        """The processes of its windows: of the ``dashboard``, or of a ``module``."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):  # as in `processes`
                if PROGRAMS[kind] in process.cmdline():
                    found.append(process)
        return found

    def complaints(self) -> str:
        """What the processes said on standard error, but for GTK's advice to programmers, and
        that this machine lacks a language."""
        lines: list[str] = []
        for log in sorted(self.installation.home.parent.glob("applet-*.log")):
            lines += log.read_text(encoding="utf-8").splitlines()
        return "\n".join(line for line in lines if not _HARMLESS.search(line))

    def _has_left_none(self) -> bool:
        left = [process.cmdline() for process in self.processes()]
        assert left == []
        return True

    def _is_alive(self) -> bool:
        assert self._process
        return self._process.poll() is None

    def _command(self, *words: str) -> list[str]:
        place = self.installation
        own = ["--home", str(place.home), "--catalog", str(place.catalog)]
        engine = ["--host", place.host] if place.host else []
        return [*self._program, *own, *engine, *words]

    # -- what it shows -------------------------------------------------------------------------

    def shows(self, look: str, timeout: float = SECONDS) -> Image.Image:
        """The icon's picture, once it looks like *look*, ``indigo mark, green disc``, and the
        shell saw that, which is told a moment after the icon changed."""

        def seen() -> Image.Image | None:
            icon = self.item.icon
            picture = picture_of(icon)
            found = str(look_at(picture))
            assert found == look, f"{found}: {self.item.tooltip}"
            assert self.desktop.told("shown")[-1]["IconName"] == icon, "seen by the shell"
            return picture

        return eventually(seen, look, timeout)

    def shown(self, since: float = 0.0) -> list[Shown]:
        """What the shell saw since that time of the monotonic clock, in order."""
        return [
            Shown(one["at"], look_at(picture_of(one["IconName"])), one["Title"])
            for one in self.desktop.told("shown")
            if one["at"] >= since and one["IconName"]
        ]

    def notifications(self) -> list[str]:
        """The titles and texts of all until now."""
        return [f"{one['title']}: {one['body']}" for one in self.desktop.told("notification")]

    def status(self) -> dict[str, Any]:
        """What the command line says of the state."""
        found: dict[str, Any] = json.loads(self.cli("status", "--json"))
        return found

    def outlast_quiet(self) -> None:
        """Wait until the time is over in which nothing is told after a start in a hurry. It began
        before now: how long the process took until then is not known."""
        over = time.monotonic() + QUIET_SECONDS
        eventually(lambda: time.monotonic() > over, "end of the quiet time")
