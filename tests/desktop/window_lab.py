"""A desktop of our own, a host of the core, and windows' processes."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aiserver_tray.control.server import Server
from aiserver_tray.host.paths import Home
from tests.support import states
from tests.support.desktop.desktop import desktop
from tests.support.desktop.window import Window
from tests.support.scripted import Scripted


class WindowLab:
    """What one test has: a desktop, a home with its host of the core, and windows."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.home = Home(folder / "home", "home")
        self.host = Scripted(states.snapshot())
        self._server: Server | None = None
        self._folder = folder
        self._windows: list[Window] = []

    def serve(self) -> None:
        """Have a host of the core."""
        self._server = Server(self.home, "tray", self.host)
        self._server.start()

    def silence(self) -> None:
        """Have none any more."""
        if self._server:
            self._server.close()
        self._server = None

    def dashboard(self, *options: str) -> Window:
        """The dashboard's process."""
        return self._open("dashboard", *options)

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


@pytest.fixture(scope="module")
def desk() -> Iterator[dict[str, str]]:
    with desktop() as found:
        yield found.variables


@pytest.fixture
def lab(
    desk: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WindowLab]:
    for name, value in desk.items():
        monkeypatch.setenv(name, value)
    lab = WindowLab(desk, tmp_path)
    yield lab
    lab.end()
