"""Wine with a Windows Python, on a desktop with a task bar; one for all tests of a process."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from bundler.windows_python import windows_python
from bundler.wine import windows_path
from developer.cache import WINE, cache_folder
from developer.machine import ROOT
from tests.support.desktop.desktop import Desktop, desktop
from tests.support.desktop.pointer import TaskBar
from tests.support.installation import Installation
from tests.support.limits import LIMIT
from tests.support.times import ONCE, apart
from tests.support.waiting import eventually
from tests.support.wine.interpreter import Interpreter

_WITHOUT = ("env", "-u", "TMPDIR")
"""Debian's Wine 10 breaks down where that is set."""

_FIRST_START = 300.0
"""Seconds, on a busy machine: it writes a thousand files."""

_REGISTRY = r"""REGEDIT4

[HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize]
"SystemUsesLightTheme"=dword:00000001
"""
"""The task bar of `TaskBar` is a light one."""

_FINISHED = "finished"
"""The file in a whole prefix, with the registry that it has."""

_CHOICE = (48, 150, 250)
"""The colour of the line of a menu that would be taken."""

_CLIENT = """
import json, time
from pathlib import Path
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.base.errors import AiServerError, NotRunningError
from aiserver_tray.system.paths import Home
end = time.monotonic() + {limit!r}
while True:
    try:
        with Client.connect(Home(Path({home!r}), "home"), "command", language="en") as client:
            print(json.dumps(client.request({channel!r}, {payload!r})))
        break
    except AiServerError as error:
        if error.code != NotRunningError.code or time.monotonic() > end:
            raise
    time.sleep(0.05)
"""

_TRUST = """
from pathlib import Path
from aiserver_tray.core.app import App
from aiserver_tray.settings.content import Trusted
app = App(Path({home!r}), [Path({catalog!r})])
app.settings.trust({module!r}, Trusted(app.preview({module!r}).consent.folder, []))
"""

_FORGET = r"""
import winreg
user, machine = winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE
for root, key in (
    (user, r"Software\Microsoft\Windows\CurrentVersion\Run"),
    (machine, r"SOFTWARE\Docker Inc.\Docker\1.0"),
):
    try:
        winreg.DeleteKey(root, key)
    except FileNotFoundError:
        pass
style = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
with winreg.CreateKey(user, style) as key:
    winreg.SetValueEx(key, "SystemUsesLightTheme", 0, winreg.REG_DWORD, 1)
"""

_WAITING = """
import ctypes, threading, time
ctypes.windll.shell32, ctypes.windll.user32.GetDesktopWindow()
for _ in range({others}):
    threading.Thread(target=time.sleep, args=(60,)).start()
print("waiting", flush=True)
"""

_BROWSER = """#!/bin/sh
echo "$1" >> {opened}
"""


class Windows:
    """Programs here see the machine's files as drive ``Z:``, which is where they start."""

    def __init__(self, screen: Desktop, bar: TaskBar, python: Path) -> None:
        self.screen = screen
        self.bar = bar
        self._interpreter = (*_WITHOUT, "wine", str(python / "python.exe"))
        self._resident = Interpreter(screen, self._interpreter)

    @property
    def wine(self) -> tuple[str, ...]:
        """What starts a program of Windows."""
        return (*_WITHOUT, "wine")

    @property
    def users(self) -> tuple[str, ...]:
        """What starts the applet, or a command of it."""
        return (*self._interpreter, "-m", "aiserver_tray")

    def says(self, code: str) -> str:
        """What the Python *code* prints; a Python runs it that is there already, so it leaves that
        as it was."""
        return self._resident.says(code)

    def close(self) -> None:
        """End what it keeps running."""
        self._resident.close()

    def says_alone(self, code: str) -> str:
        """What the Python *code* prints, in a Python of its own."""
        return self.screen.run(*self._interpreter, "-c", code, timeout=_FIRST_START).decode()

    def forget(self) -> None:
        """Be as after the first start, whatever a test left: an icon, what the web browser was
        given, and what the applet and Docker Desktop have in the registry."""
        eventually(self.bar.is_empty, "end of the icon")
        _opened(self.screen).unlink(missing_ok=True)
        self.says(_FORGET)

    def memory_of_nothing(self, threads: int) -> int:
        """Bytes resident of a Python that has *threads* and Windows' desktop, and does nothing.
        Wine's own parts count, and a mebibyte that it fills for each thread."""
        code = _WAITING.format(others=threads - 1)
        command = [*self._interpreter, "-c", code]
        with self.screen.start(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline().split() == [b"waiting"]
            found: int = psutil.Process(process.pid).memory_info().rss
            process.kill()
        return found

    def asks(self, home: Path, channel: str, **payload: object) -> dict[str, Any]:
        """What the tray of *home* answers to a client, as soon as it and its core are there."""
        code = _CLIENT.format(
            home=windows_path(home), channel=channel, payload=payload, limit=LIMIT
        )
        found: dict[str, Any] = json.loads(self.says(code))
        return found

    def trusts(self, here: Installation, module: str) -> None:
        """Let the user trust *module*: an answer belongs to its folder, which has another name
        there."""
        home, catalog = windows_path(here.home), windows_path(here.catalog)
        self.says(_TRUST.format(home=home, catalog=catalog, module=module))

    def opened(self) -> list[str]:
        """The addresses that the system's web browser was given until now."""
        try:
            return _opened(self.screen).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []


@contextmanager
def windows(shots: Path) -> Iterator[Windows]:
    """While it lasts, a Windows that nobody else uses; pictures of its screen go to *shots*."""
    with _prefix(cache_folder(WINE)) as prefix:
        if not _is_made(prefix):
            with apart(ONCE), fresh_windows(prefix, shots):
                pass
        with fresh_windows(prefix, shots) as found:
            yield found


@contextmanager
def fresh_windows(prefix: Path, shots: Path) -> Iterator[Windows]:
    """As `windows`, with drive and registry in the folder *prefix*, created if it is not there."""
    python = windows_python(cache_folder(WINE))
    with desktop() as screen:
        _furnish(screen, prefix, python)
        bar = TaskBar(screen, shots, _CHOICE)
        try:
            _make_prefix(screen)
            machine = Windows(screen, bar, python)
            yield machine
            machine.close()
        finally:
            _end(screen)


@contextmanager
def _prefix(cache: Path) -> Iterator[Path]:
    """The first of Wine's folders in *cache* that no other process uses."""
    for number in count(1):
        try:
            with FileLock(cache / f"prefix-{number}.lock", blocking=False):
                yield cache / f"prefix-{number}"
                return
        except Timeout:
            continue


def _furnish(screen: Desktop, prefix: Path, python: Path) -> None:
    """The environment variables of Wine, and a web browser, which it looks for in the PATH."""
    programs = screen.folder / "programs"
    programs.mkdir()
    browser = programs / "xdg-open"
    browser.write_text(_BROWSER.format(opened=_opened(screen)))
    browser.chmod(0o700)
    del screen.environment["PYSTRAY_BACKEND"]
    screen.environment |= {
        "PATH": f"{programs}:{screen.environment['PATH']}",
        "PYTHONPATH": windows_path(ROOT),
        "PYTHONPYCACHEPREFIX": windows_path(python / "bytecode"),
        "WINEPREFIX": str(prefix),
        "WINEDEBUG": "-all",
        # Nothing that would ask to be downloaded, and nothing in the user's own menus.
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
    }


def _make_prefix(screen: Desktop) -> None:
    """The folder of Wine's drive and registry; one that was not finished is made anew."""
    prefix = screen.path("WINEPREFIX")
    if _is_made(prefix):
        return
    shutil.rmtree(prefix, ignore_errors=True)
    screen.run(*_WITHOUT, "wine", "wineboot", "--init", timeout=_FIRST_START)
    wanted = screen.folder / "wanted.reg"
    wanted.write_text(_REGISTRY)
    screen.run(*_WITHOUT, "wine", "regedit", "/S", windows_path(wanted))
    _end(screen)
    (prefix / _FINISHED).write_text(_REGISTRY, encoding="utf-8")


def _is_made(prefix: Path) -> bool:
    finished = prefix / _FINISHED
    return finished.exists() and finished.read_text(encoding="utf-8") == _REGISTRY


def _end(screen: Desktop) -> None:
    """End all that runs in Wine; what it keeps is written then."""
    server = [*_WITHOUT, "wineserver"]
    subprocess.run([*server, "--kill"], env=screen.environment, check=False)  # fails if none runs
    screen.run(*server, "--wait")


def _opened(screen: Desktop) -> Path:
    return screen.folder / "opened"
