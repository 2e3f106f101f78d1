"""The applet on Windows: its icon, its named pipe, its entry in the registry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.view import IconSpec
from bundler.wine import windows_path
from tests.support.desktop.applet import RUNNING, STOPPED, Applet
from tests.support.desktop.pointer import SIZE
from tests.support.limits import LIMIT
from tests.support.waiting import eventually
from tests.support.wine.windows import Windows

_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
_ENTRIES = f"""
import winreg
with winreg.CreateKey(winreg.HKEY_CURRENT_USER, {_RUN_KEY!r}) as key:
    for number in range(winreg.QueryInfoKey(key)[1]):
        print(winreg.EnumValue(key, number)[1])
"""

_UPPER = f"""
import winreg
with winreg.CreateKey(winreg.HKEY_CURRENT_USER, {_RUN_KEY!r}) as key:
    name, line, kind = winreg.EnumValue(key, 0)
    program, space, words = line.partition(" ")
    winreg.SetValueEx(key, name, 0, kind, program.upper() + space + words)
"""

_TO_ITS_WINDOWS = """
import ctypes
from ctypes import wintypes
user32 = ctypes.windll.user32
found = []
@ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
def take(window, _):
    name = ctypes.create_unicode_buffer(256)
    user32.GetClassNameW(window, name, 256)
    if name.value.endswith("SystemTrayIcon"):
        found.append(window)
    return True
user32.EnumWindows(take, 0)
message = {message}
if isinstance(message, str):
    message = user32.RegisterWindowMessageW(message)
print([user32.SendMessageW(wintypes.HWND(window), message, {sure}, 0) for window in found])
"""

_TASK_BAR = r"""
import winreg
with winreg.CreateKey(winreg.HKEY_CURRENT_USER, {key!r}) as key:
    winreg.SetValueEx(key, "SystemUsesLightTheme", 0, winreg.REG_DWORD, {is_light})
"""
_STYLE_KEY = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"

_CLOCKS = """
import time
from aiserver_tray.system.clock import awake
usual, ours = time.monotonic(), awake()
time.sleep(0.5)
within = awake() - ours
print([time.monotonic() - usual, within])
"""

_ENGINES = r"""
import json, pathlib, shutil, winreg
from multiprocessing.connection import Listener
from aiserver_tray.system.engine_place import default_host, is_installed, places
key = r"SOFTWARE\Docker Inc.\Docker\1.0"
found = [[default_host(), is_installed()]]
folder = pathlib.Path("C:/engine")
folder.mkdir(exist_ok=True)
(folder / "Docker Desktop.exe").touch()
with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, key) as place:
    winreg.SetValueEx(place, "AppPath", 0, winreg.REG_SZ, str(folder))
try:
    found.append([default_host(), is_installed()])
    desktop = [r"C:\engine\Docker Desktop.exe"]
    assert [one.start for one in places()] == [desktop, [], desktop, []]  # Podman; the own one
    with Listener(r"\\.\pipe\docker_engine"):
        found.append([default_host(), is_installed()])
finally:
    winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key)
    shutil.rmtree(folder)
print(json.dumps(found))
"""


@pytest.mark.smoke
def test_commands_and_a_second_launch_reach_the_tray(machine: Windows, applet: Applet) -> None:
    start(machine, applet)
    assert applet.status()["state"] == "stopped"
    applet.cli("up", "shop", "--detach")
    shows(machine, RUNNING)
    assert applet.status()["state"] == "running"
    tell_memory(machine, applet)
    applet.cli("stop", "shop")
    shows(machine, STOPPED)
    # There is no browser engine, so the web browser shows the dashboard.
    assert applet.launch().wait(LIMIT) == 0
    (first,) = eventually(machine.opened, "the dashboard")
    with requests.Session() as browser:  # which keeps the cookie
        assert browser.get(first, timeout=LIMIT).status_code == 200
    applet.cli("open")
    eventually(lambda: len(machine.opened()) == 2, "the dashboard, again")
    applet.cli("quit")
    applet.ends()


def test_from_the_first_click_to_the_last(machine: Windows, applet: Applet) -> None:
    start(machine, applet)
    bar = machine.bar
    # The keys stop at lines that can't be taken, too: the state, and what has been done.
    bar.choose("menu", "Down", "Down", "Down")  # to "Start all"
    shows(machine, RUNNING)
    eventually(lambda: is_told(machine), "notification")
    bar.shot("told")
    bar.click_icon()
    eventually(machine.opened, "the dashboard")
    bar.choose("menu-running", "Down", "Down", "Down", "Down")  # to "Stop all"
    shows(machine, STOPPED)
    bar.choose("quit", "Up", "Right")  # the last, and in its submenu the first
    applet.ends()


def is_told(machine: Windows) -> bool:
    """Whether a balloon hangs from the icon; nothing else is there while no menu is open."""
    below = machine.screen.picture((0, 2 * SIZE, 2 * SIZE, 3 * SIZE))
    return below.getbbox() is not None


def test_an_engine_is_found_by_its_pipe_and_its_entry_in_the_registry(machine: Windows) -> None:
    usual, desktop = "npipe:////./pipe/docker_engine", "npipe:////./pipe/dockerDesktopLinuxEngine"
    assert json.loads(machine.says(_ENGINES)) == [[usual, False], [desktop, True], [usual, True]]


def test_its_files_are_the_users_own_wherever_its_home_is(machine: Windows, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    shared = windows_path(tmp_path)
    code = "from pathlib import Path; from aiserver_tray.system.files import write_private; "
    for content in (b"old", b"new"):
        machine.says(f"{code} write_private(Path({shared!r}, 'key'), {content!r})")
    (key,) = tmp_path.iterdir()
    assert key.read_bytes() == b"new"
    assert key.stat().st_mode & 0o007 == 0
    missing = f"write_private(Path({shared!r}, 'no', 'key'), b'')"
    told = f"try: {missing}\nexcept FileNotFoundError as error: print(error.strerror)"
    assert machine.says(code.replace("; ", "\n") + told)


def test_clock_that_stops_during_sleep_runs(machine: Windows) -> None:
    around, within = json.loads(machine.says(_CLOCKS))
    assert 0.4 < within < around + 0.1


def test_it_starts_at_login_stands_out_outlives_its_task_bar_and_ends_with_the_session(
    machine: Windows, applet: Applet
) -> None:
    start(machine, applet)
    switch_start_at_login(machine, applet)
    change_task_bar(machine)
    end_session(machine, applet)


def switch_start_at_login(machine: Windows, applet: Applet) -> None:
    """See that start at login is in the registry."""
    here = applet.installation
    before = machine.asks(here.home, "ai/system/autostart")
    assert before == {"enabled": False, "supported": True}
    assert machine.asks(here.home, "ai/system/autostart", enabled=True)["enabled"]
    (entry,) = machine.says(_ENTRIES).splitlines()
    program, _, words = entry.partition(" -P -m aiserver_tray --at-login --home ")
    assert re.fullmatch(r"Z:\\.*\\pythonw\.exe", program)
    folders = map(windows_path, (here.home, here.catalog))
    assert words == "{} --catalog {} --engine {}".format(*folders, here.host)
    machine.says(_UPPER)
    assert machine.asks(here.home, "ai/system/autostart")["enabled"], "Windows ignores case"
    assert not machine.asks(here.home, "ai/system/autostart", enabled=False)["enabled"]
    assert machine.says(_ENTRIES) == ""


def change_task_bar(machine: Windows) -> None:
    """See that the icon stands out from a task bar that becomes another."""
    is_for(machine, "light")
    style(machine, "dark")
    assert told(machine, "WM_SETTINGCHANGE") == [0, 0]
    is_for(machine, "dark")
    style(machine, "light")
    assert told(machine, "WM_DPICHANGED") == [0, 0]
    is_for(machine, "light")


def end_session(machine: Windows, applet: Applet) -> None:
    """See that it outlives its task bar and ends with the session."""
    # What a new task bar says to all; this one has the icon already.
    assert told(machine, "TaskbarCreated") == [0, 0]
    assert told(machine, "WM_QUERYENDSESSION") == [1, 1]
    snapshot = machine.asks(applet.installation.home, "ai/snapshot/get")
    assert snapshot["state"] == "stopped", "somebody else said no"
    shows(machine, STOPPED)
    assert told(machine, "WM_ENDSESSION") == [0, 0]
    applet.ends()


def style(machine: Windows, theme: Theme) -> None:
    """Let the task bar have *theme*, as the settings of Windows keep it."""
    machine.says(_TASK_BAR.format(key=_STYLE_KEY, is_light=int(theme == "light")))


def is_for(machine: Windows, theme: Theme) -> None:
    """Wait until the icon has the grey for a task bar of *theme*."""
    drawn: Any = draw(IconSpec("stopped"), SIZE, theme).getcolors(SIZE * SIZE)
    _, (*grey, _) = max(found for found in drawn if found[1][3] == 255)

    def is_shown() -> bool:
        seen = machine.screen.picture((0, 0, SIZE, SIZE)).convert("RGB")
        return tuple(grey) in {colour for _, colour in seen.getcolors(SIZE * SIZE) or ()}

    eventually(is_shown, f"icon for a {theme} task bar")


def told(machine: Windows, message: str) -> list[int]:
    """What the windows of the icon answer to *message*."""
    numbers = {
        "WM_QUERYENDSESSION": 0x11,
        "WM_ENDSESSION": 0x16,
        "WM_SETTINGCHANGE": 0x1A,
        "WM_DPICHANGED": 0x2E0,
    }
    code = _TO_ITS_WINDOWS.format(message=repr(numbers.get(message, message)), sure=1)
    answers: list[int] = json.loads(machine.says(code))
    return answers


def start(machine: Windows, applet: Applet) -> None:
    """Start the applet, and wait until it can be asked; Wine loses clicks on an icon before."""
    applet.start(until=lambda: str(machine.bar.icon()) == STOPPED)
    machine.asks(applet.installation.home, "ai/app/about")


def tell_memory(machine: Windows, applet: Applet) -> None:
    """Print what the tray's process holds, and how much of it an idle Python does. Wine copies into
    memory the libraries that are not its own; Windows maps from the file what is used of them."""
    process = applet.process
    used = process.memory_info().rss / 1e6
    base = machine.memory_of_nothing(process.num_threads()) / 1e6
    parts = f"{base:.0f} MB as an idle Python, {used - base:.0f} MB on top"
    print(f"memory of the tray's process: {used:.0f} MB: {parts}")  # noqa: T201 - a figure


def shows(machine: Windows, look: str) -> None:
    """Wait until the icon looks like *look*."""

    def is_shown() -> bool:
        found = str(machine.bar.icon())
        assert found == look, found
        return True

    eventually(is_shown, look)
