"""The packages for Windows: the bundle and its installer, on Windows itself or under Wine."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from packaging.version import Version

from bundler.freeze import NAME, Python
from bundler.inputs import HERE, cached, fingerprint, unpacked, version, wheel
from bundler.processes import must, need
from bundler.side import write_side
from bundler.windows_python import BUNDLE, python_key, windows_python
from bundler.wine import PROGRAM, windows_path, wine
from developer.machine import ROOT

APP_ID: Final = "AIServerTray.AIServerTray"
"""The same as in `aiserver_tray.system.process`; a test compares them."""

SIGN: Final = "AISERVER_SIGN"
"""The variable with the command that signs a file, whose path is its last word."""


SOURCES: Final = tuple(
    ROOT / "build" / name
    for name in ("window_icon.py", "developer/machine.py", "developer/__init__.py")
)
"""What makes the packages, beside the folder here."""


@dataclass(frozen=True)
class Package:
    """The folder with the bundle, and the installer."""

    bundle: Path
    installer: Path


def windows_package(cache: Path, pythons: Path) -> Package:
    """The package of the files that are here, built under Wine unless it is in *cache*. *pythons*
    has the Pythons for Windows.

    Raises:
        CalledProcessError: a tool failed; its errors were shown.
    """
    with TemporaryDirectory() as name:
        archive = wheel(Path(name) / "dist")
        with cached(cache, "windows", package_key(archive)) as (folder, empty):
            if empty:
                site = unpacked(archive, Path(name) / "site")
                bundle = freeze_in_wine(site, windows_python(pythons, BUNDLE), empty)
                sign(bundle)
                installer(bundle, version(), empty)
    return Package(folder / NAME, folder / installer_name(version()))


def package_key(archive: Path) -> str:
    """Of everything that the package with the wheel *archive* is made from."""
    tools = [must(PROGRAM, "--version"), must(makensis(), "-VERSION"), python_key(BUNDLE)]
    told = [os.environ.get(name, "") for name in (SIGN, "NSISDIR")]
    return fingerprint(archive, BUNDLE, [*tools, *told], SOURCES)


def freeze_in_wine(site: Path, python: Path, folder: Path) -> Path:
    """The bundle, made in *folder* from the unpacked wheel *site*, by the *python* for Windows."""
    with TemporaryDirectory() as scratch, wine(Path(scratch) / "prefix") as env:
        found = Python([PROGRAM, str(python / "python.exe")], env, windows_path)
        return found.freeze(site, folder, Path(scratch) / "work")


def makensis() -> str:
    """The program that makes installers. Its own setup for Windows adds it to no PATH.

    Raises:
        MissingProgramError: it is not installed.
    """
    programs = Path(os.environ.get("PROGRAMFILES(X86)", "C:/Program Files (x86)"))
    advice = "Install NSIS (winget install NSIS.NSIS, or https://nsis.sourceforge.io)"
    return need("makensis", advice, programs / "NSIS/makensis.exe")


def require_tools() -> None:
    """See that the programs for an installer are there, before anything takes minutes.

    Raises:
        MissingProgramError: one is not.
    """
    makensis()
    if command := shlex.split(os.environ.get(SIGN, "")):
        need(command[0], f"Install it, or change the variable {SIGN}")


def sign(bundle: Path) -> None:
    """Sign the programs of *bundle* if there is a command for that."""
    if command := os.environ.get(SIGN):
        for program in sorted(bundle.glob("*.exe")):
            must(*shlex.split(command), str(program))


def installer_name(number: str) -> str:
    """The file name of the installer of version *number*."""
    return f"AIServerTray-{number}-setup.exe"


def installer(bundle: Path, number: str, folder: Path, *more: str) -> Path:
    """Make the installer of *bundle*, as version *number*, in *folder*; *more* are definitions for
    its script."""
    out = folder / installer_name(number)
    with TemporaryDirectory() as name:
        picture = Path(name) / "side.bmp"
        write_side(picture)
        _make_installer(bundle, number, out, picture, more)
    return out


def _make_installer(
    bundle: Path, number: str, out: Path, picture: Path, more: Sequence[str]
) -> None:
    values = {
        "VERSION": number,
        "NUMBERS": ".".join(map(str, (*Version(number).release, 0))),
        "BUNDLE": bundle,
        "ICON": ROOT / "ui/icon.ico",
        "PICTURE": picture,
        "OUT": out,
        "APP_ID": APP_ID,
    }
    if command := os.environ.get(SIGN):
        values["SIGN"] = command
    words = [f"-D{name}={value}" for name, value in values.items()]
    words += [f"-D{name}" for name in more]
    script = str(HERE / "installer.nsi")
    # It includes files from the folder that it is in.
    must(makensis(), "-V2", "-WX", "-INPUTCHARSET", "UTF8", *words, script)
