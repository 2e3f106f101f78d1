"""A Windows, and the applet that is installed there, for one user and in the usual places."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from bundler.windows import Package, installer
from bundler.wine import windows_path
from tests.support.desktop.looks import Look
from tests.support.limits import LIMIT, stretched
from tests.support.waiting import eventually
from tests.support.wine.windows import Windows

OLD = "0.0.9"
"""The version before: the same programs, and a file that the new one lacks."""

BUILD_SECONDS = 1800.0
"""Seconds for the first test, which waits for the build, on a busy machine."""

INSTALL_SECONDS = stretched(300.0)
"""Seconds for an installer, on a busy machine."""

LEFT = "left.pyd"
CLOSE_TRIES = 4
"""Half seconds that the old installer waits for programs to exit."""

_KEY = r"HKCU\Software"
_UNINSTALL = rf"{_KEY}\Microsoft\Windows\CurrentVersion\Uninstall\AIServerTray"
_RUN = rf"{_KEY}\Microsoft\Windows\CurrentVersion\Run"


class Setup:
    """Installs *package*, and runs what it installed, in *machine*; *scratch* is for its files."""

    def __init__(self, machine: Windows, package: Package, scratch: Path) -> None:
        self.machine = machine
        self.package = package
        self.drive = scratch / "prefix/drive_c"
        users = (self.drive / "users").iterdir()
        (self.user,) = (user for user in users if user.name != "Public")
        self.folder = self.user / "AppData/Local/Programs/AIServerTray"
        self.windows_folder = rf"C:\users\{self.user.name}\AppData\Local\Programs\AIServerTray"
        self.home = self.user / "AppData/Local/aiserver-tray"
        self.shortcut = (
            self.user / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/AI-Server Tray.lnk"
        )
        self.scratch = scratch

    # -- installing ----------------------------------------------------------------------------

    def old_installer(self) -> Path:
        """The installer of the version before, large but quickly made."""
        bundle = self.scratch / "old"
        subprocess.run(["cp", "--archive", str(self.package.bundle), str(bundle)], check=True)
        (bundle / "_internal" / LEFT).touch()
        return installer(bundle, OLD, self.scratch, "FAST", f"CLOSE_TRIES={CLOSE_TRIES}")

    def install(self, setup: Path, *options: str) -> int:
        """The exit status of the silent *setup*."""
        begun = time.monotonic()
        status = self._wait(str(setup), "/S", *options)
        print(f"{setup.name}: {time.monotonic() - begun:.1f} s")  # noqa: T201 - a figure
        return status

    def begin_uninstall(self, *options: str) -> None:
        """Start to uninstall silently: the uninstaller goes on as a copy of itself."""
        assert self._wait(str(self.folder / "uninstall.exe"), "/S", *options) == 0

    def version(self) -> str | None:
        """The version that Windows' list of programs has."""
        return self.registered(_UNINSTALL, "DisplayVersion")

    def at_login(self) -> str | None:
        """The command that starts the applet at login."""
        return self.registered(_RUN, "aiserver-tray")

    def registered(self, key: str, name: str) -> str | None:
        """A text in the registry; None if there is none."""
        words = ["reg", "query", key, "/v", name]
        done = subprocess.run(
            [*self.machine.wine, *words],
            env=self.machine.screen.environment,
            check=False,
            capture_output=True,
        )
        found = re.search(r"REG_SZ\s+(.+?)\r?$", done.stdout.decode(), re.MULTILINE)
        return found[1] if found else None

    def traces(self) -> set[str]:
        """Every file of the user's, and every key of the user's registry."""
        files = {str(path.relative_to(self.user)) for path in self.user.rglob("*")}
        exported = self.scratch / "exported.reg"
        self.machine.screen.run(
            *self.machine.wine, "reg", "export", "HKCU", windows_path(exported), "/y"
        )
        text = exported.read_text(encoding="utf-16")
        return files | {line for line in text.splitlines() if line.startswith("[")}

    # -- using it ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the applet by its entry in the Start menu."""
        place = str(self.shortcut.relative_to(self.drive)).replace("/", "\\")
        self._wait("start", rf"C:\{place}")  # its status says nothing

    def cli(self, *words: str) -> str:
        """What a command prints. Raises ``CalledProcessError`` where it fails."""
        return self.machine.screen.run(
            *self.machine.wine, str(self.folder / "aiserver-tray.exe"), *words
        ).decode()

    def assistant(self) -> str:
        """What the program answers first when an assistant starts it."""
        about = {"protocolVersion": "2025-06-18", "capabilities": {}}
        about["clientInfo"] = {"name": "try", "version": "1"}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
        program = str(self.folder / "aiserver-tray.exe")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with self.machine.screen.start([*self.machine.wine, program, "mcp"], **pipes) as serving:
            assert serving.stdin
            assert serving.stdout
            serving.stdin.write(json.dumps(asked).encode() + b"\n")
            serving.stdin.flush()
            answer = serving.stdout.readline().decode()
            serving.stdin.close()
            serving.wait(LIMIT)
        return answer

    def status(self) -> dict[str, Any]:
        """What the command line says of the state."""
        found: dict[str, Any] = json.loads(self.cli("status", "--json"))
        return found

    def shows(self, look: str) -> None:
        """Wait until the icon looks like *look*."""

        def is_shown() -> bool:
            found: Look = self.machine.bar.icon()
            assert str(found) == look, str(found)
            return True

        try:
            eventually(is_shown, look)
        except AssertionError as error:
            self.machine.bar.shot("failed")
            for log in sorted((self.home / "logs").glob("*.log")):
                error.add_note(f"{log.name}:\n{log.read_text(encoding='utf-8')}")
            raise

    def _wait(self, *command: str) -> int:
        done = subprocess.run(
            [*self.machine.wine, *command],
            env=self.machine.screen.environment,
            check=False,
            timeout=INSTALL_SECONDS,
            stdout=subprocess.DEVNULL,
        )
        return done.returncode
