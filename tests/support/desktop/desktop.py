"""A desktop for one test: a virtual screen, a session bus, and what stands for a shell."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageGrab

from tests.support.desktop import fake_desktop
from tests.support.waiting import eventually

SERVICES = ("watcher", "notifications")

# The system's own would start services of its desktop, such as settings and portals.
_BUS = """<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""
_FOLDERS = {
    "XDG_RUNTIME_DIR": "run",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_CACHE_HOME": "cache",
    "TMPDIR": "tmp",
}


class Desktop:
    """Its folders are its own, so what a program leaves there is seen."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self.folder = folder
        self._cleanup = cleanup
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        own = {name: folder / inner for name, inner in _FOLDERS.items()}
        for path in own.values():
            path.mkdir(mode=0o700)
        self.variables = {
            **{name: str(path) for name, path in own.items()},
            "DISPLAY": self._screen(),
            "DBUS_SESSION_BUS_ADDRESS": self._bus(),
            "LANG": "C.UTF-8",
            "PYSTRAY_BACKEND": "appindicator",
            "PYWEBVIEW_GUI": "gtk",
            "NO_AT_BRIDGE": "1",
            "GTK_A11Y": "none",
            "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
        }
        """What tells programs of it."""
        others = {name: value for name, value in os.environ.items() if not _is_desktops(name)}
        self.environment = others | self.variables

    @property
    def bus(self) -> str:
        """The address of the session bus."""
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]

    def path(self, variable: str) -> Path:
        """The folder that the environment *variable* names."""
        return Path(self.environment[variable])

    # -- the shell -----------------------------------------------------------------------------

    def serve(self, *services: str) -> None:
        """Have *services* of the shell."""
        for service in services:
            with self._awaited("ready"):
                self._begin(service)

    def prepare(self, service: str) -> None:
        """Have a process that will be *service* without the time that it takes to start."""
        with self._awaited("waiting"):
            self._begin(service, "later")

    def serve_prepared(self, service: str) -> None:
        """Have the *service* that was prepared."""
        with self._awaited("ready"):
            self._services[service].send_signal(signal.SIGUSR1)

    def _begin(self, service: str, *words: str) -> None:
        command = [sys.executable, fake_desktop.__file__, *words, service]
        with (self.folder / "shell.log").open("ab") as log:
            self._services[service] = self.start(command, stdout=log, stderr=log)

    @contextmanager
    def _awaited(self, event: str) -> Iterator[None]:
        before = len(self.told(event))
        yield
        eventually(lambda: len(self.told(event)) > before, "service of the shell")

    def withdraw(self, service: str) -> None:
        """Have *service* no more: the shell broke down."""
        process = self._services.pop(service)
        process.kill()
        process.wait()

    def told(self, event: str) -> list[dict[str, Any]]:
        """What the shell has told of *event* until now, in order."""
        try:
            lines = (self.folder / "shell.log").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return [one for one in found if one["event"] == event]

    # -- programs ------------------------------------------------------------------------------

    def start(self, command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        """A program on this desktop, ended with it."""
        return _start(self._cleanup, command, env=self.environment, **more)

    def run(self, *command: str, patience: float = 60.0) -> bytes:
        """What *command* prints on this desktop. Raises ``CalledProcessError`` where it fails."""
        return subprocess.run(
            command, env=self.environment, check=True, timeout=patience, stdout=subprocess.PIPE
        ).stdout

    def picture(self, box: tuple[int, int, int, int] | None = None) -> Image.Image:
        """What is on the screen, or in a *box* of it (left, upper, right, lower)."""
        return ImageGrab.grab(box, xdisplay=self.environment["DISPLAY"])

    def windows(self, title: str) -> list[str]:
        """The windows that are shown whose title is *title*."""
        search = ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"]
        done = subprocess.run(search, env=self.environment, check=False, stdout=subprocess.PIPE)
        return done.stdout.decode().split()

    def _screen(self) -> str:
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24"]
        command += ["-nolisten", "tcp", "-noreset"]
        _start(self._cleanup, command, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as told:
            return f":{told.readline().strip()}"

    def _bus(self) -> str:
        config, socket = self.folder / "bus.conf", self.folder / "bus"
        config.write_text(_BUS.format(folder=self.folder))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork"]
        _start(self._cleanup, command, stderr=subprocess.DEVNULL)
        eventually(socket.exists, "session bus")
        return f"unix:path={socket}"


def _is_desktops(name: str) -> bool:
    """Whether the variable tells of the desktop, or of the application, of who runs the tests."""
    return name.startswith(("XDG_", "LC_", "LANG", "WAYLAND_", "GTK_", "AISERVER_", "DOCKER_"))


def _start(
    cleanup: ExitStack,
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401 - Popen's
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=env, **more)

    def stop() -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    cleanup.callback(stop)
    return process


@contextmanager
def desktop(*services: str) -> Iterator[Desktop]:
    """A desktop whose shell has *services*; at the end nothing of it is left."""
    with ExitStack() as cleanup:
        # Sockets' paths are short, and pytest's folders are not.
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="desk"))
        found = Desktop(Path(folder), cleanup)
        found.serve(*services)
        yield found
