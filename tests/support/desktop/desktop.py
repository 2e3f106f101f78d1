"""A desktop for one test: it has folders, variables and programs of its own. Tests may share the
screen, the bus and the shell, one after the other."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageGrab

from tests.support.desktop.shell import Shell, start
from tests.support.limits import stretched

SERVICES = ("watcher", "notifications")

_FOLDERS = {
    "XDG_RUNTIME_DIR": "run",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_CACHE_HOME": "cache",
    "TMPDIR": "tmp",
}


class Desktop:
    """Its folders are its own, so what a program leaves there is seen."""

    def __init__(self, folder: Path, shell: Shell, cleanup: ExitStack) -> None:
        self.folder = folder
        self.shell = shell
        self._cleanup = cleanup
        self._begun = shell.settled()
        own = {name: folder / inner for name, inner in _FOLDERS.items()}
        for path in own.values():
            path.mkdir(mode=0o700)
        self.variables = {
            **{name: str(path) for name, path in own.items()},
            **shell.variables,
            "LANG": "C.UTF-8",
            "PYSTRAY_BACKEND": "appindicator",
            "PYWEBVIEW_GUI": "gtk",
            "NO_AT_BRIDGE": "1",
            "GTK_A11Y": "none",
            "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
        }
        """What tells programs of it."""
        others = {name: value for name, value in os.environ.items() if not _is_others(name)}
        self.environment = others | self.variables

    @property
    def bus(self) -> str:
        """The address of the session bus."""
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]

    def path(self, variable: str) -> Path:
        """The folder that the environment *variable* names."""
        return Path(self.environment[variable])

    def told(self, event: str) -> list[dict[str, Any]]:
        """What the shell reported about *event* since this desktop exists, in order."""
        return self.shell.told(event, self._begun)

    def start(self, command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        """A program on this desktop, ended with it."""
        return start(self._cleanup, command, env=self.environment, **more)

    def run(self, *command: str, timeout: float = 120.0) -> bytes:
        """What *command* prints on this desktop. Raises ``CalledProcessError`` where it fails, and
        ``TimeoutExpired`` after *timeout* seconds, which are more on a busy machine."""
        timeout = stretched(timeout)
        return subprocess.run(
            command, env=self.environment, check=True, timeout=timeout, stdout=subprocess.PIPE
        ).stdout

    def picture(self, box: tuple[int, int, int, int] | None = None) -> Image.Image:
        """What is on the screen, or in a *box* of it (left, upper, right, lower)."""
        return ImageGrab.grab(box, xdisplay=self.environment["DISPLAY"])

    def windows(self, title: str) -> list[str]:
        """The windows that are shown whose title is *title*."""
        search = ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"]
        done = subprocess.run(search, env=self.environment, check=False, stdout=subprocess.PIPE)
        return done.stdout.decode().split()


def _is_others(name: str) -> bool:
    """Whether the variable tells of the desktop, or of the application, of who runs the tests; or
    has each process compile our modules again, which no user's does."""
    desktops = ("XDG_", "LC_", "LANG", "WAYLAND_", "GTK_")
    return name.startswith((*desktops, "AISERVER_", "DOCKER_", "PYTHONDONTWRITEBYTECODE"))


@contextmanager
def shell(*services: str) -> Iterator[Shell]:
    """A screen and a bus with *services*, for one desktop after the other."""
    with _folder() as folder, ExitStack() as cleanup:
        found = Shell(folder, cleanup)
        found.serve(*services)
        yield found


@contextmanager
def desktop_of(shell: Shell) -> Iterator[Desktop]:
    """A desktop that nobody has used yet; at the end no program of it is left."""
    with _folder() as folder, ExitStack() as cleanup:
        yield Desktop(folder, shell, cleanup)


@contextmanager
def desktop(*services: str) -> Iterator[Desktop]:
    """A desktop with a shell of its own that has *services*; at the end nothing of it is left."""
    with shell(*services) as own, desktop_of(own) as found:
        yield found


@contextmanager
def _folder() -> Iterator[Path]:
    # Sockets' paths are short, and pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="desk", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
