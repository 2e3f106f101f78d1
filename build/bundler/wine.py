"""Wine, in which the packages for Windows are built on Linux."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bundler.processes import must

PROGRAM = "wine"


def windows_path(path: Path) -> str:
    """*path* as programs in Wine see it."""
    return "Z:" + str(path).replace("/", "\\")


@contextmanager
def wine(prefix: Path) -> Iterator[Mapping[str, str]]:
    """The environment variables of a Wine without a desktop, whose drive and registry are in
    *prefix*. At the end, all its processes have exited."""
    # Debian's Wine 10 crashes with TMPDIR.
    others = {name: value for name, value in os.environ.items() if name not in _UNFIT}
    env = {
        **others,
        "WINEPREFIX": str(prefix),
        "WINEDEBUG": "-all",
        # Nothing that would ask for a download, and nothing in the user's own menus.
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
    }
    must(PROGRAM, "wineboot", "--init", env=env)
    try:
        yield env
    finally:
        must("wineserver", "--wait", env=env)


_UNFIT = ("TMPDIR", "DISPLAY", "WAYLAND_DISPLAY")
