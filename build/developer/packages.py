"""Which of Debian's packages a command needs, and which of them this machine lacks."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from developer.machine import DEBIAN, ROOT, has_wine, system_path
from developer.processes import fail

Needs = dict[str, set[str]]  # what for -> the Debian packages for it that this machine lacks

# Command -> the Debian package that brings it. Asked for by command, so that a machine with another
# vendor's Docker keeps it.
TEST_COMMANDS = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "dbus-daemon": "dbus-daemon",
    "docker-compose": "docker-compose",
    "gnome-keyring-daemon": "gnome-keyring",
    "import": "imagemagick",
    "stalonetray": "stalonetray",
    "xdotool": "xdotool",
    "Xvfb": "xvfb",
}
# Likewise by what is there: a file or folder below the root, with wildcards -> its package.
DESKTOP_FILES = {
    "usr/lib/python3/dist-packages/gi": "python3-gi",
    "usr/lib/*/girepository-1.0/AyatanaAppIndicator3-0.1.typelib": (
        "gir1.2-ayatanaappindicator3-0.1"
    ),
    "usr/lib/*/girepository-1.0/WebKit2-4.1.typelib": "gir1.2-webkit2-4.1",
}
TEST_FILES = {**DESKTOP_FILES, "usr/share/fonts/truetype/dejavu": "fonts-dejavu-core"}
# Windows' own half is tested under Wine; the compiler makes what starts its Python.
WINE_COMMANDS = {"wine": "wine", "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64-win32"}
NEEDS_WINE = {"wine"}
LAB_COMMANDS = ROOT / "tests/lab/requirements.json"
NEEDS_LAB = {"contract", "desktop", "engine", "oracle", "wine"}


def packages_for(commands: Mapping[str, str]) -> set[str]:
    """The packages of those *commands* that this machine lacks."""
    path = system_path()
    return {p for command, p in commands.items() if not shutil.which(command, path=path)}


def packages_of(files: Mapping[str, str]) -> set[str]:
    """The packages of those *files* that this machine lacks."""
    return {package for pattern, package in files.items() if not any(Path("/").glob(pattern))}


def desktop_needs() -> Needs:
    """What icon and windows need, where there is a desktop to show them on."""
    if DEBIAN and any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))):
        return {"icon and windows": packages_of(DESKTOP_FILES)}
    return {}


def lab_needs() -> Needs:
    """What the lab needs."""
    if sys.platform != "linux":
        fail("the lab runs its own Docker Engine, which needs Linux (WSL2 serves on Windows)")
    return {"the lab": packages_for(json.loads(LAB_COMMANDS.read_text(encoding="utf-8")))}


def wine_needs() -> Needs:
    """What Windows' own half is tested on."""
    if not has_wine():
        fail("Windows' own half is tested under Wine, on Debian on x86_64")
    return {"Windows' own half": packages_for(WINE_COMMANDS)}


def test_needs(levels: Iterable[str]) -> Needs:
    """What the tests of *levels* need."""
    needs: Needs = {}
    if DEBIAN:
        needs["tests"] = packages_for(TEST_COMMANDS) | packages_of(TEST_FILES)
    if NEEDS_WINE & set(levels):
        needs.update(wine_needs())
    if NEEDS_LAB & set(levels):
        needs.update(lab_needs())
    return needs
