"""Finding this machine's own engine, and whether one is installed. Only local sockets and pipes are
considered: a remote engine is used only if the user sets it, never by accident."""

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path, PureWindowsPath
from typing import Final
from urllib.parse import SplitResult, urlsplit

from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.registry import Registry
from aiserver_tray.system.wsl import distributions, wsl_program

OWN_ENGINE: Final = "aiserver"
"""The name of our distribution of WSL."""
_OWN_KEY, _OWN_VALUE = r"Software\AI-Server Tray", "OwnEngine"
"""Where the user's registry says that its set-up has ended."""

USUAL_ENGINE: Final = "default"
"""The name of the engine that is used without a setting."""

_PIPE = "npipe:////./pipe/"
_SYSTEMD = Path("/run/systemd/system")
"""There only while systemd manages the machine."""

_SYSTEM_SOCKET = Path("/var/run/docker.sock")
_SYSTEM_PROGRAMS = ("dockerd", "/usr/sbin/dockerd", "/usr/bin/dockerd")  # not on every user's PATH
_MAC_PODMAN_FOLDERS = ("/opt/podman", "/opt/homebrew", "/usr/local")


@dataclass(frozen=True)
class EnginePlace:
    """A place where one kind of engine listens."""

    host: str
    programs: Sequence[str]
    """The engine is installed if one of these exists: a path, or a name on the PATH."""
    start: Sequence[str]
    """The system command that starts it."""
    name: str = "Docker Engine"
    """Of its product."""

    @property
    def is_installed(self) -> bool:
        """Whether the engine is there, running or not."""
        return any(map(_is_there, self.programs))


def _is_there(program: str) -> bool:
    return Path(program).exists() if Path(program).is_absolute() else bool(shutil.which(program))


def place_of(host: str) -> EnginePlace | None:
    """The place of this machine's installed engine that listens at *host*."""
    at_host = (place for place in places() if _plain(place.host) == _plain(host))
    return next((place for place in at_host if place.is_installed), None)


def _plain(host: str) -> str:
    """One name for one socket: /var/run is /run, and on macOS the usual one leads to another."""
    scheme, _, path = host.partition("://")
    return os.path.realpath(path) if scheme == "unix" else host


def start_by_hand(host: str) -> str:
    """The command that a user can type to start the engine at *host*; empty if none is known."""
    place = place_of(host)
    if not place or not all(place.start):
        return ""
    is_of_systemd = place.start[:1] == ["systemctl"]
    return "" if is_of_systemd and not _SYSTEMD.exists() else by_hand(place.start)


def by_hand(start: Sequence[str]) -> str:
    """The command *start* as a user types it."""
    is_of_root = start[0] == "systemctl" and "--user" not in start
    return f"sudo {shlex.join(start)}" if is_of_root else shlex.join(start)


def default_host() -> str:
    """The address of the local engine, as in ``DOCKER_HOST``: of an engine that answers, else of an
    installed one with a socket, else of an installed one, else of any socket."""
    known = places()
    preferred = (answers, _is_ready, lambda place: place.is_installed, _exists)
    found = (place for is_it in preferred for place in known if is_it(place))
    usual = next(place for place in reversed(known) if not place.host.startswith("wsl:"))
    return next(found, usual).host


def has_package() -> bool:
    """Whether this system has Docker as a package that we can install."""
    is_debian = sys.platform == "linux" and Path("/etc/debian_version").exists()
    return is_debian and shutil.which("apt-get", path="/usr/bin:/bin") is not None


def can_install() -> bool:
    """Whether ``engine install`` can bring an engine to this system."""
    return sys.platform == "win32" or has_package()


def is_installed() -> bool:
    """Whether an engine is installed on this machine, running or not."""
    return any(place.is_installed for place in places())


def places() -> list[EnginePlace]:
    """Every place of this system, that of desktop programs first, the usual one last, and on
    Windows our own after it."""
    if sys.platform == "win32":
        return _windows_places()
    if sys.platform == "darwin":
        return _mac_places()
    return _linux_places()


def _windows_places() -> list[EnginePlace]:
    """Rancher Desktop and others answer at the usual pipe, too."""
    inner = "Rancher Desktop/Rancher Desktop.exe"
    rancher = [*_below("ProgramFiles", inner), *_below("LOCALAPPDATA", f"Programs/{inner}")]
    docker = _desktop_programs()
    desktop = next(filter(_is_there, docker), "")
    usual = desktop or next(filter(_is_there, rancher), "")
    name = "Docker Desktop" if desktop else "Rancher Desktop"
    return [
        EnginePlace(f"{_PIPE}dockerDesktopLinuxEngine", docker, [desktop], "Docker Desktop"),
        EnginePlace(f"{_PIPE}podman-machine-default", ["podman"], [], "Podman"),
        EnginePlace(f"{_PIPE}docker_engine", [*docker, *rancher], [usual], name),
        _own_place(),
    ]


def has_own_engine() -> bool:
    """Whether our distribution is there, and its set-up has ended."""
    noted = Registry().get("user", _OWN_KEY, _OWN_VALUE)
    return noted == OWN_ENGINE and OWN_ENGINE in distributions()


def note_own_engine() -> None:
    """Its set-up has ended.

    Raises:
        OSError: that can't be noted.
    """
    Registry().put(_OWN_KEY, _OWN_VALUE, OWN_ENGINE)


def forget_own_engine() -> None:
    """It is no engine any more.

    Raises:
        OSError: that can't be noted.
    """
    Registry().remove(_OWN_KEY, _OWN_VALUE)


def _own_place() -> EnginePlace:
    """It starts with each connection."""
    program = [str(wsl_program())] if has_own_engine() else []
    return EnginePlace(f"wsl://{OWN_ENGINE}", program, [], "AI-Server Tray (WSL)")


def _desktop_programs() -> list[str]:
    key = r"SOFTWARE\Docker Inc.\Docker\1.0"
    folder = Registry().get("machine", key, "AppPath")
    return [
        *([str(PureWindowsPath(folder, "Docker Desktop.exe"))] if isinstance(folder, str) else []),
        *_below("ProgramFiles", "Docker/Docker/Docker Desktop.exe"),
        *_below("LOCALAPPDATA", "Programs/DockerDesktop/Docker Desktop.exe"),
    ]


def _below(variable: str, inner: str) -> list[str]:
    folder = os.environ.get(variable)
    return [str(PureWindowsPath(folder, inner))] if folder else []


def _mac_places() -> list[EnginePlace]:
    """https://docs.docker.com/desktop/setup/install/mac-permission-requirements/"""
    return [
        _mac_app("Docker", ".docker/run/docker.sock"),
        _mac_app("OrbStack", ".orbstack/run/docker.sock"),
        _mac_app("Rancher Desktop", ".rd/docker.sock"),
        _colima(),
        _mac_podman(),
        EnginePlace(f"unix://{_SYSTEM_SOCKET}", (), ()),
    ]


def _mac_app(name: str, inner: str) -> EnginePlace:
    folders = (Path("/Applications"), user_home() / "Applications")
    programs = [str(folder / f"{name}.app") for folder in folders]
    return EnginePlace(_own_socket(inner), programs, ["open", "-a", name], name)


def _mac_podman() -> EnginePlace:
    programs = [f"{folder}/bin/podman" for folder in _MAC_PODMAN_FOLDERS]
    program = next(filter(_is_there, programs), programs[0])
    host = _own_socket(".local/share/containers/podman/machine/podman.sock")
    return EnginePlace(host, programs, [program, "machine", "start"], "Podman")


def _linux_places() -> list[EnginePlace]:
    """https://docs.docker.com/engine/security/rootless/ and
    https://docs.docker.com/desktop/setup/install/linux/"""
    desktop = ["systemctl", "--user", "start", "docker-desktop"]
    rancher = str(user_home() / ".rd/bin/rdctl")
    docker, programs = _own_socket(".docker/desktop/docker.sock"), ["/opt/docker-desktop"]
    start = [rancher, "start"]
    return [
        EnginePlace(docker, programs, desktop, "Docker Desktop"),
        EnginePlace(_own_socket(".rd/docker.sock"), [rancher], start, "Rancher Desktop"),
        _colima(),
        *_rootless(),
        EnginePlace(f"unix://{_SYSTEM_SOCKET}", _SYSTEM_PROGRAMS, ["systemctl", "start", "docker"]),
    ]


def _rootless() -> list[EnginePlace]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime:
        return []
    unit = str(user_home() / ".config/systemd/user/docker.service")
    start = ["systemctl", "--user", "start", "docker"]
    host = f"unix://{Path(runtime, 'docker.sock')}"
    return [EnginePlace(host, [unit], start, "Docker Engine (rootless)")]


def _colima() -> EnginePlace:
    host = _own_socket(".colima/default/docker.sock")
    return EnginePlace(host, ["colima"], ["colima", "start"], "colima")


def _own_socket(inner: str) -> str:
    return f"unix://{user_home() / inner}"


def answers(place: EnginePlace) -> bool:
    """Whether a process listens: a desktop program may leave its socket behind when it exits."""
    if sys.platform == "win32":
        return _exists(place)
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        probe.connect(place.host.removeprefix("unix://"))
        return True
    return False


def _is_ready(place: EnginePlace) -> bool:
    return place.is_installed and _exists(place)


def _exists(place: EnginePlace) -> bool:
    if place.host.startswith("wsl:"):
        return place.is_installed
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - on Windows only

        absent, name = 2, place.host.removeprefix("npipe://").replace("/", "\\")
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        # Unlike opening the pipe, this uses up none of its instances.
        return bool(kernel.WaitNamedPipeW(name, 1)) or ctypes.get_last_error() != absent
    return Path(place.host.removeprefix("unix://")).exists()


def kernel_release() -> str:
    """The release of this machine's kernel. Empty if the engine can't share it (on Windows and
    macOS, an engine for Linux containers runs in a virtual machine)."""
    if sys.platform != "linux":
        return ""
    return os.uname().release


_SCHEMES = ("unix", "npipe", "tcp", "http", "https", "ssh", "wsl")
_LOCAL_PIPES = "//./pipe/"
_DEFAULT_PORT = 2375


def is_local(host: str) -> bool:
    """Whether the engine at *host* is on this machine, judging by its address."""
    parts = urlsplit(host)
    if parts.scheme in ("unix", "wsl"):
        return True
    if parts.scheme == "ssh":
        return False
    if parts.scheme == "npipe":  # else it names another machine
        return parts.path.lower().startswith(_LOCAL_PIPES)
    return is_loopback(parts.hostname or "")


def has_other_paths(host: str) -> bool:
    """Whether the engine at *host* does not see the paths of this machine as we do."""
    return not is_local(host) or urlsplit(host).scheme == "wsl"


def socket_of(host: str) -> str | None:
    """The path of the socket at which the engine at *host* answers, if it is one."""
    parts = urlsplit(host)
    return parts.netloc + parts.path if parts.scheme == "unix" else None


def is_of_user(host: str) -> bool:
    """Whether the engine at *host* is not root's, but one of a user: without root, or in a virtual
    machine."""
    try:
        return os.stat(socket_of(host) or "").st_uid != 0  # noqa: PTH116 - a text
    except (OSError, ValueError):
        return False


def is_loopback(name: str) -> bool:
    """Whether the host *name* is this machine."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def canonical(host: str) -> str:
    """The one spelling of the place that *host* names, to compare addresses."""
    parts = urlsplit(host)
    if socket := socket_of(host):
        return f"unix://{os.path.realpath(socket)}"
    if parts.scheme == "npipe":
        return f"npipe://{(parts.netloc + parts.path).lower()}"
    if parts.scheme in ("ssh", "wsl"):
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    scheme = "tcp" if parts.scheme == "http" else parts.scheme
    name = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return f"{scheme}://{name}:{parts.port or _DEFAULT_PORT}{parts.path.rstrip('/')}"


def why_unusable(host: str) -> Text | None:
    """The reason why *host* is not a valid address. None if it is valid."""
    try:
        parts = urlsplit(host)
    except ValueError:  # of brackets that don't match
        return _no_address(host)
    if "@" in parts.netloc and parts.scheme != "ssh":
        return Text(
            "the address of an engine can't contain a user or password. Use TLS certificates "
            "instead"
        )
    if parts.scheme == "ssh" and parts.password is not None:
        return Text(
            "the address of an engine can't contain a password. Set up a key for ssh instead"
        )
    if "://" not in host or parts.scheme not in _SCHEMES or not _is_complete(parts):
        return _no_address(host)
    return None


def _no_address(host: str) -> Text:
    return Text(
        "expected an engine address such as unix:///PATH, npipe:////./pipe/NAME, "
        "ssh://USER@MACHINE or tcp://MACHINE:PORT, found {host!r}",
        host=host,
    )


def _is_complete(parts: SplitResult) -> bool:
    if parts.scheme in ("unix", "npipe"):
        return bool(parts.netloc or parts.path.strip("/"))
    try:
        if parts.scheme in ("ssh", "wsl"):  # what begins so would be an option of the program
            begins = (parts.netloc, parts.netloc.rpartition("@")[2])
            is_option = any(begin.startswith("-") for begin in begins)
            return bool(parts.hostname) and not is_option and parts.port != 0
        return bool(parts.hostname and parts.port)
    except ValueError:  # no number
        return False
