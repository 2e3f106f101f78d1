"""Login items of each operating system, by name."""

import os
import plistlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from xml.parsers.expat import ExpatError

from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.files import write_private
from aiserver_tray.system.process import output_of
from aiserver_tray.system.registry import Registry

_TITLE = "AI-Server Tray"
_LAUNCHCTL_SECONDS = 5.0


class LoginItems(Protocol):
    """Programs that start at login. The argument of errors is why: a `Text`, or words of others."""

    def starts(self, name: str, command: Sequence[str]) -> bool:
        """Whether the item *name* is there, starts just *command*, and is not switched off."""

    def put(self, name: str, command: Sequence[str]) -> None:
        """Start *command* at each login from now on.

        Raises:
            OSError: it can't be set.
        """

    def remove(self, name: str) -> None:
        """Remove the item *name*, if it exists.

        Raises:
            OSError: it can't be removed.
        """


class RunKey:
    """Windows: the user's ``Run`` key, and the items that the user disabled in the Task Manager
    (https://learn.microsoft.com/windows/win32/setupapi/run-and-runonce-registry-keys)."""

    _VERSION = r"Software\Microsoft\Windows\CurrentVersion"
    _RUN = rf"{_VERSION}\Run"
    _APPROVED = rf"{_VERSION}\Explorer\StartupApproved\Run"
    _LONGEST = 260

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def starts(self, name: str, command: Sequence[str]) -> bool:
        approved = self._registry.get("user", self._APPROVED, name)
        is_off = isinstance(approved, bytes) and bool(approved) and approved[0] % 2 == 1
        line = self._registry.get("user", self._RUN, name)
        wanted = subprocess.list2cmdline(command)
        return isinstance(line, str) and _plain(line) == _plain(wanted) and not is_off

    def put(self, name: str, command: Sequence[str]) -> None:
        line = subprocess.list2cmdline(command)
        if len(line) > self._LONGEST:
            most = self._LONGEST
            why = Text("Windows can start commands of at most {count} characters", count=most)
            raise OSError(why)
        self._registry.put(self._RUN, name, line)
        self._registry.remove(self._APPROVED, name)

    def remove(self, name: str) -> None:
        self._registry.remove(self._RUN, name)
        self._registry.remove(self._APPROVED, name)


def _plain(line: str) -> str:
    """The command *line* with its program as Windows finds it: by any case and by short names."""
    quote = '"' if line.startswith('"') else ""
    program, _, words = line.removeprefix(quote).partition(quote or " ")
    return f"{os.path.normcase(os.path.realpath(program))} {words.lstrip()}"


class AutostartFolder:
    """Linux: desktop entries in the user's folder ``autostart``
    (https://specifications.freedesktop.org/autostart-spec/latest/)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def starts(self, name: str, command: Sequence[str]) -> bool:
        try:
            lines = self._file(name).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return False
        found = {key.strip(): value.strip() for key, _, value in (x.partition("=") for x in lines)}
        return (
            found.get("Exec") == _exec_line(command)
            and found.get("Hidden", "false") != "true"
            and found.get("X-GNOME-Autostart-enabled", "true") != "false"
        )

    def put(self, name: str, command: Sequence[str]) -> None:
        entry = (
            f"[Desktop Entry]\nType=Application\nName={_TITLE}\n"
            # If the program was removed without cleanup, desktops skip the entry.
            f"TryExec={_escaped(command[0])}\nExec={_exec_line(command)}\n"
            "Terminal=false\nX-GNOME-Autostart-enabled=true\n"
        )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._file(name), entry.encode())

    def remove(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.desktop"


def autostart_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with this user's autostart entries."""
    named = environment.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored, says the XDG Base Directory Specification.
    config = Path(named) if Path(named).is_absolute() else user_home() / ".config"
    return config / "autostart"


def _exec_line(command: Sequence[str]) -> str:
    """*command* as the value of ``Exec``
    (https://specifications.freedesktop.org/desktop-entry-spec/latest/exec-variables.html)."""
    return _escaped(" ".join(map(_exec_word, command)))


def _exec_word(word: str) -> str:
    word = word.replace("%", "%%")
    if word and not set(word) & set(" \t\n\"'\\><~|&;$*?#()`"):
        return word
    for reserved in '\\"`$':
        word = word.replace(reserved, f"\\{reserved}")
    return f'"{word}"'


def _escaped(text: str) -> str:
    """*text* as the value of a key, which has its own escapes."""
    text = text.replace("\\", "\\\\")
    return text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


class LaunchAgents:
    """macOS: launch agents (``man launchd.plist``), and those that the user disabled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def starts(self, name: str, command: Sequence[str]) -> bool:
        try:
            agent = plistlib.loads(self._file(name).read_bytes())
        except (OSError, ValueError, ExpatError):
            return False
        return (
            isinstance(agent, dict)
            and agent.get("ProgramArguments") == list(command)
            and agent.get("RunAtLoad") is True
            and not agent.get("Disabled", False)
            and not self._is_off(name)
        )

    def put(self, name: str, command: Sequence[str]) -> None:
        agent = {
            "Label": name,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
        }
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._file(name), plistlib.dumps(agent))
        output_of("launchctl", "enable", f"{_domain()}/{name}", seconds=_LAUNCHCTL_SECONDS)

    def remove(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.plist"

    def _is_off(self, name: str) -> bool:
        """launchd keeps that apart from the file; older systems say true for disabled."""
        asked = ("launchctl", "print-disabled", _domain())
        lines = output_of(*asked, seconds=_LAUNCHCTL_SECONDS).splitlines()
        said = [line.partition("=>")[2].strip() for line in lines if f'"{name}"' in line]
        return any(word in ("disabled", "true") for word in said)


def _domain() -> str:
    return f"gui/{getattr(os, 'getuid', int)()}"
