"""An owner of the core, and windows' processes."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aiserver_tray.carriers.local.server import Server
from aiserver_tray.system.paths import Home
from tests.support import states
from tests.support.desktop.desktop import Desktop
from tests.support.desktop.window import Window
from tests.support.scripted import Scripted


class WindowLab:
    """On a desktop: a home with its owner of the core, and windows."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.home = Home(folder / "home", "home")
        self.host = Scripted(states.snapshot())
        self._server: Server | None = None
        self._folder = folder
        self._windows: list[Window] = []

    def serve(self) -> None:
        """Have an owner of the core."""
        self._server = Server(self.home, self.host)
        self._server.start()

    @property
    def is_served(self) -> bool:
        """Whether there is an owner of the core."""
        return self._server is not None

    def silence(self) -> None:
        """Have none any more."""
        if self._server:
            self._server.close()
        self._server = None

    def dashboard(self, *options: str) -> Window:
        """The dashboard's process."""
        return self._open("dashboard", *options)

    def only_dashboard(self) -> Window:
        """The dashboard's process, one that is there if there is one."""
        if self._windows and self._windows[-1].process.poll() is None:
            return self._windows[-1]
        return self.dashboard()

    def module(self, name: str, url: str, *options: str) -> Window:
        """The process of the page of the module *name*."""
        return self._open("module", "--module", name, "--title", name, "--url", url, *options)

    def _open(self, kind: str, *options: str) -> Window:
        place = self._folder / f"probe-{len(self._windows)}"
        arguments = [kind, "--home", str(self.home.folder), "--language", "en", *options]
        self._windows.append(Window(arguments, self.environment, place))
        return self._windows[-1]

    def picture(self, path: Path) -> None:
        """What is on the screen."""
        env = {**os.environ, **self.environment}
        subprocess.run(["import", "-window", "root", str(path)], env=env, check=True)

    def end(self) -> None:
        """Whatever became of them, nothing stays."""
        for window in self._windows:
            window.end()
        with suppress(OSError):
            self.silence()


@contextmanager
def window_lab(desktop: Desktop, folder: Path) -> Iterator[WindowLab]:
    """A home in *folder* and windows on the *desktop*, which is this process's own, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # no user has it
        for name, value in desktop.variables.items():
            patch.setenv(name, value)
        lab = WindowLab(desktop.variables, folder)
        try:
            yield lab
        finally:
            lab.end()


@pytest.fixture
def lab(screen: Desktop, tmp_path: Path) -> Iterator[WindowLab]:
    """What one test has."""
    with window_lab(screen, tmp_path) as found:
        yield found
