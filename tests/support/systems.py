"""Marks of tests for what only some systems have."""

import os
import stat
import sys
from pathlib import Path

import pytest

from developer.machine import WINDOWS

on_unix = pytest.mark.skipif(WINDOWS, reason="Unix only")
"""Signals, terminals, modes of files, shell scripts."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")  # noqa: TID251
"""What the kernel shows in /proc, and desktops and programs of Linux."""

DATA = "WIN_PD_OVERRIDE_LOCAL_APPDATA" if WINDOWS else "XDG_DATA_HOME"
RUNTIME = "WIN_PD_OVERRIDE_LOCAL_APPDATA" if WINDOWS else "XDG_RUNTIME_DIR"
"""The environment variables in which platformdirs takes the user's folders for data, and for locks
and sockets."""

NOWHERE = Path("Q:/nowhere" if WINDOWS else "/proc/nowhere")
"""Where not even root makes folders: a drive that is not there, or files that are the kernel's."""


def has_mode(path: Path, mode: int) -> bool:
    """Whether *path* has exactly these access rights. Windows has access lists instead, which
    `tests/wine` looks at."""
    return WINDOWS or stat.S_IMODE(path.stat().st_mode) == mode


def is_root() -> bool:
    """Whether these tests run as root, who can become another user. On Windows, nobody is."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
