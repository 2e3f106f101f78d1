"""Where this machine's own engine answers, and whether there is one at all.

Only local sockets and pipes are looked at: a remote engine is used where the user names it, never
by accident.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

_PIPE = "npipe:////./pipe/docker_engine"
_SOCKET = Path("/var/run/docker.sock")


def default_host() -> str:
    """The address of the local engine, as ``DOCKER_HOST`` would give it: the system's engine,
    else the user's own where that runs."""
    if sys.platform == "win32":
        return _PIPE
    found = next((socket for socket in _sockets() if socket.exists()), _SOCKET)
    return f"unix://{found}"


def _sockets() -> Iterator[Path]:
    """https://docs.docker.com/engine/security/rootless/ and
    https://docs.docker.com/desktop/setup/install/mac-permission-requirements/"""
    yield _SOCKET
    if sys.platform == "darwin":
        yield Path.home() / ".docker/run/docker.sock"
    elif runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "docker.sock"


def is_installed() -> bool:
    """Whether an engine is installed on this machine, running or not."""
    return shutil.which("dockerd") is not None or any(place.exists() for place in _programs())


def _programs() -> Iterator[Path]:
    if sys.platform == "win32":
        for variable in ("ProgramFiles", "LOCALAPPDATA"):
            if folder := os.environ.get(variable):
                yield Path(folder) / "Docker/Docker/Docker Desktop.exe"
                yield Path(folder) / "Programs/DockerDesktop/Docker Desktop.exe"
    elif sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield folder / "Docker.app"
            yield folder / "OrbStack.app"
    else:
        yield Path("/usr/sbin/dockerd")  # not on every user's PATH
        yield Path("/usr/bin/dockerd")
        yield Path("/opt/docker-desktop")


def kernel_release() -> str:
    """The release of this machine's kernel; empty where the engine can't share it (an engine of
    Linux containers runs in a virtual machine on Windows and macOS)."""
    return os.uname().release if sys.platform == "linux" else ""
