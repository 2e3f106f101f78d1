"""How soon the window can be used when the package for Debian was just installed, beside a start
from source."""

import os
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from deb.package import NAME, deb_package
from deb.releases import DEBIAN_13
from developer.cache import PACKAGES, cache_folder
from tests.bench.result import Comparison, Figure, Results
from tests.lab.place import Place
from tests.support.debian import USER, Debian, debian_for
from tests.support.desktop.applet import USERS
from tests.support.desktop.desktop import Desktop, desktop
from tests.support.desktop.window import PROBE, ask, probed
from tests.support.forwarding import forwarded
from tests.support.waiting import eventually

LIMIT = 3.0
"""Seconds."""

_USABLE = "Boolean(document.querySelector('.wiz-foot button')?.checkVisibility())"
"""A new home opens the dashboard by itself, with the first steps."""

_SCREEN = ("DISPLAY", "NO_AT_BRIDGE", "GTK_A11Y", "WEBKIT_DISABLE_DMABUF_RENDERER")
"""Variables of the desktop that also mean something in another Debian."""

_QUIT_SECONDS = 60


def first_start(lab: Place, times: int) -> Results:
    """Seconds from the start of the tray in a new home until its window can be used: of the
    installed package, none of whose files is in memory, and from source, where all are."""
    packages = cache_folder(PACKAGES)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        deb = deb_package(packages, DEBIAN_13)
        debian = stack.enter_context(debian_for(deb, "trixie", packages, folder))
        shutil.copy(deb, debian.root / "tmp/new.deb")
        debian.run("apt-get", "install", "--yes", "/tmp/new.deb")
        address = stack.enter_context(forwarded(lab, "127.0.0.1"))
        screen = stack.enter_context(desktop())
        ours = partial(_installed, debian, screen, address)
        theirs = partial(_from_source, screen, address, folder)
        theirs()
        pairs = [(ours(), theirs()) for _ in range(times)]
    installed, source = zip(*pairs, strict=True)
    return {
        "first-start": Figure(statistics.median(installed), "s", LIMIT),
        "first-start-beside-source": Comparison(installed, source),
    }


def _installed(debian: Debian, screen: Desktop, engine: str) -> float:
    home = debian.root / "home" / USER
    for left in (".local", ".cache", ".config"):
        shutil.rmtree(home / left, ignore_errors=True)
    shutil.copytree(PROBE, home / "probe", dirs_exist_ok=True)
    place = home / "port"
    place.unlink(missing_ok=True)
    variables = {name: screen.environment[name] for name in _SCREEN}
    variables |= {"DOCKER_HOST": engine}
    variables |= {"PYTHONPATH": f"/home/{USER}/probe", "AISERVER_PROBE": f"/home/{USER}/port"}
    _forget(debian.root)
    begun = time.monotonic()
    with debian.start("dbus-run-session", NAME, user=USER, **variables) as applet:
        taken = _usable(place) - begun
        debian.run(NAME, "quit", user=USER)
        applet.wait(_QUIT_SECONDS)
    return taken


def _from_source(screen: Desktop, engine: str, folder: Path) -> float:
    place = folder / "port"
    place.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as home:
        command = [*USERS, "--home", home, "--host", engine]
        screen.environment.update(probed(place))
        begun = time.monotonic()
        applet = screen.start(command)
        taken = _usable(place) - begun
        screen.run(*command, "quit")
        applet.wait(_QUIT_SECONDS)
    return taken


def _usable(place: Path) -> float:
    """When the page of the window whose probe is at *place* was usable."""
    eventually(lambda: ask(place, js=_USABLE), "usable window")
    return time.monotonic()


def _forget(root: Path) -> None:
    """Have no file below *root* in memory."""
    os.sync()
    for path in (root / "usr").rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
