"""Which of Debian's packages a command needs, and which of them this machine lacks."""

import json
import os
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from developer.machine import DEBIAN, ROOT, has_wine, system_path
from developer.processes import NEEDS_ROOT, fail

Needs = dict[str, set[str]]  # purpose -> its Debian packages that this machine lacks

# Requirement -> its Debian package. A command is given by name, so that a machine keeps another
# vendor's Docker; a file or folder by its path below the root, with wildcards.
GTK = {"usr/lib/python3/dist-packages/gi": "python3-gi"}
DESKTOP = {
    **GTK,
    "usr/lib/*/girepository-1.0/AyatanaAppIndicator3-0.1.typelib": (
        "gir1.2-ayatanaappindicator3-0.1"
    ),
    "usr/lib/*/girepository-1.0/WebKit2-4.1.typelib": "gir1.2-webkit2-4.1",
}
FONTS = {"usr/share/fonts/truetype/dejavu": "fonts-dejavu-core"}
SCREEN = {
    **DESKTOP,
    "dbus-daemon": "dbus-daemon",
    **FONTS,
    "import": "imagemagick",
    "stalonetray": "stalonetray",
    "xdotool": "xdotool",
    "Xvfb": "xvfb",
}
COMPOSE = {"docker-compose": "docker-compose"}
BROWSER = {**FONTS, "chromedriver": "chromium-driver", "chromium": "chromium"}
# Without a font for Chinese, pictures would show boxes.
PICTURES = {**BROWSER, **COMPOSE, "usr/share/fonts/truetype/wqy": "fonts-wqy-zenhei"}
# Programs that read the file of a backup.
BACKUP = {"age": "age", "unzip": "unzip", "zstd": "zstd"}
BUNDLE = {"objdump": "binutils", "strip": "binutils"}
DEB_CHECKS = {
    "lintian": "lintian",
    "appstreamcli": "appstream",
    "desktop-file-validate": "desktop-file-utils",
    "man": "man-db",
}
TESTS: dict[str, dict[str, str]] = {
    "contract": SCREEN,
    "desktop": {**SCREEN, "gnome-keyring-daemon": "gnome-keyring"},
    # certutil lets a browser trust a certificate authority.
    "engine": {**COMPOSE, **BACKUP, **BROWSER, "certutil": "libnss3-tools"},
    "oracle": COMPOSE,
    "packages": {**SCREEN, **BROWSER, **COMPOSE, **BUNDLE, **DEB_CHECKS},
    "ui": BROWSER,
    "unit": {},  # Python packages only
    "wine": SCREEN,
}
BENCHMARKS = {**SCREEN, **COMPOSE, **BROWSER}
# The Windows code is tested under Wine; the compiler builds the launcher of its Python.
WINE = {"wine": "wine", "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64-win32"}
INSTALLER = {**WINE, "makensis": "nsis"}
NEEDS_WINE = {"packages", "wine"}
LAB = ROOT / "tests/lab/requirements.json"
NEEDS_LAB = {"contract", "desktop", "engine", "packages", "ui", "wine"}
NEEDS_LINUX = {*NEEDS_LAB, "oracle"}  # Debian's docker-compose is the oracle


def lacking(wanted: Mapping[str, str]) -> set[str]:
    """The packages for the *wanted* requirements that this machine lacks."""
    return {package for what, package in wanted.items() if not is_here(what)}


def is_here(what: str) -> bool:
    """Whether this machine has the command, file or folder *what*."""
    if "/" in what:
        return any(Path("/").glob(what))
    return shutil.which(what, path=system_path()) is not None


def desktop_needs() -> Needs:
    """Requirements of icon and windows, if there is a desktop."""
    if DEBIAN and any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))):
        return {"icon and windows": lacking(DESKTOP)}
    return {}


def lab_needs() -> Needs:
    """Requirements of the lab."""
    needs = demo_needs()
    if os.geteuid():
        fail(f"{NEEDS_ROOT}: run the same with sudo")
    return needs


def demo_needs() -> Needs:
    """Requirements of the lab, if the caller becomes root by itself."""
    if sys.platform != "linux":
        fail("the lab runs its own Docker Engine, which needs Linux (WSL2 serves on Windows)")
    return {"the lab": lacking(json.loads(LAB.read_text(encoding="utf-8")))}


def wine_needs() -> Needs:
    """Requirements of the tests of the Windows code."""
    return {"Windows' own half": _on_wine(WINE)}


def installer_needs() -> Needs:
    """Requirements of the packages for Windows."""
    return {"packages for Windows": _on_wine(INSTALLER)}


def bundle_needs() -> Needs:
    """Requirements of the bundle for this Linux, and of the packages for Debian and Ubuntu."""
    return {"packages": lacking(BUNDLE)} if sys.platform == "linux" else {}


def _on_wine(wanted: Mapping[str, str]) -> set[str]:
    if not has_wine():
        fail("on other systems than Windows, this needs Wine, on Debian on x86_64")
    return lacking(wanted)


def needs_of_tests(levels: Collection[str]) -> Needs:
    """Requirements of the tests of *levels*."""
    needs: Needs = {}
    if DEBIAN:
        needs["tests"] = set().union(*(lacking(TESTS[level]) for level in levels))
    if NEEDS_WINE.intersection(levels):
        needs.update(wine_needs())
    if "packages" in levels:
        needs.update(installer_needs())
    if NEEDS_LAB.intersection(levels):
        needs.update(lab_needs())
    return needs


def needs_of_pictures() -> Needs:
    """Requirements of the pictures of the dashboard."""
    return {"pictures": lacking(PICTURES) if DEBIAN else set(), **lab_needs()}


def needs_of_benchmarks() -> Needs:
    """Requirements of the benchmarks."""
    return {"benchmarks": lacking(BENCHMARKS) if DEBIAN else set(), **lab_needs()}
