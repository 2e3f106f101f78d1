"""The project's folder and the machine."""

import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
WINDOWS = sys.platform == "win32"
SCRIPTS = VENV / ("Scripts" if WINDOWS else "bin")
DEBIAN = Path("/etc/debian_version").exists()
PROCESSOR = platform.machine()


def has_wine() -> bool:
    """Whether Debian's Wine is available for this machine."""
    return DEBIAN and PROCESSOR == "x86_64"


def workers() -> int:
    """How many tests run at once: three more than there are cores, since the tests of engines and
    desktops wait for much of their time. On two cores, all tests took 36 minutes with five workers
    and 42 with three, and of the processors about the same. Each has an engine of its own, with up
    to 4 GB of disk."""
    return (os.cpu_count() or 1) + 3


def system_path() -> str:
    """PATH with the folders of administrators' commands, which a user's shell may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def environment() -> dict[str, str]:
    """The environment variables of commands in the virtual environment."""
    path = os.pathsep.join([str(SCRIPTS), system_path() if not WINDOWS else os.environ["PATH"]])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}
