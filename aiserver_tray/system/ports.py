"""Free ports of this machine, and the owners of the others. An address is an IP address of either
family; ``0.0.0.0`` and ``::`` mean all addresses. Also the router of this machine."""

import errno
import ipaddress
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple

from aiserver_tray.system.process import program_of

if TYPE_CHECKING:
    from psutil._ntuples import pconn, sconn


class ReservedRange(NamedTuple):
    """Ports from ``first`` to ``last``, which Windows reserves, mostly for Hyper-V: no process can
    use them."""

    first: int
    last: int


def reserved_range(address: str, port: int, protocol: str) -> ReservedRange | None:
    """The reserved range that contains *port*. None if there is none."""
    if sys.platform != "win32":
        return None
    family = "ipv6" if ":" in address else "ipv4"
    words = ["interface", family, "show", "excludedportrange", f"protocol={protocol}"]
    try:
        done = subprocess.run(
            [_netsh(), *words],
            capture_output=True,
            timeout=10,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = ranges_in(done.stdout)
    return next((one for one in found if one.first <= port <= one.last), None)


def _netsh() -> str:
    """netsh by its full path: Windows would search the current folder first."""
    from win32api import GetSystemDirectory  # noqa: PLC0415 - on Windows only

    return str(PureWindowsPath(GetSystemDirectory(), "netsh.exe"))


_ROW = re.compile(rb"^\s*([0-9]{1,5})\s+([0-9]{1,5})\s*\*?\s*$", re.MULTILINE)


def ranges_in(printed: bytes) -> list[ReservedRange]:
    """The ranges in the output of netsh, in any language and encoding."""
    return [ReservedRange(int(first), int(last)) for first, last in _ROW.findall(printed)]


_WILDCARDS = ("0.0.0.0", "::")
_ADMIN_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
"""Users have not all of these folders in their own path."""


@dataclass(frozen=True)
class PortOwner:
    """A process that uses a port. ``program`` is None if it is not visible."""

    pid: int
    program: str | None


def overlap(address: str, other: str) -> bool:
    """Whether a port can't be in use on both addresses at once."""
    one, two = _plain(address), _plain(other)
    return one == two or bool({one, two} & {*_WILDCARDS})


def _plain(address: str) -> str:
    try:
        found = ipaddress.ip_address(address or _WILDCARDS[0])
    except ValueError:  # a file may contain any text; the engine rejects it
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def is_free(address: str, port: int, protocol: str) -> bool:
    """Whether a server could use the *port* on *address*. True if that is unknown, as for a
    protocol other than tcp and udp, or an address of another machine."""
    if protocol not in ("tcp", "udp"):
        return True
    try:
        can = all(_can_bind(at, port, protocol, bind) for at, bind in _probes(_plain(address)))
    except PermissionError:
        # On Windows, the system has reserved the port, or another process has it exclusively.
        # Elsewhere, we can't bind ports below 1024, but the engine may be able to.
        return sys.platform != "win32" and not _servers(address, port, protocol)
    # On Windows, :: does not conflict with 0.0.0.0, but clients would come to only one of them.
    return can and (sys.platform != "win32" or not _servers(address, port, protocol))


def firewall_commands(numbers: Iterable[int]) -> list[str]:
    """What an administrator types to let other devices reach the TCP ports *numbers*. None where
    this system has no such command, such as macOS, which asks by itself."""
    known = sorted({*numbers})
    is_range = known[-1] - known[0] == len(known) - 1
    parts = [(known[0], known[-1])] if is_range else [(one, one) for one in known]
    if sys.platform == "win32":
        ports = ",".join(f"{first}-{last}" for first, last in parts)
        rule = 'name="AI-Server Tray" dir=in action=allow protocol=TCP profile=private'
        return [f"netsh advfirewall firewall add rule {rule} localport={ports}"]
    if shutil.which("ufw", path=_ADMIN_PATH):
        return [f"sudo ufw allow {first}:{last}/tcp" for first, last in parts]
    if shutil.which("firewall-cmd", path=_ADMIN_PATH):
        ports = " ".join(f"--add-port={first}-{last}/tcp" for first, last in parts)
        return [f"sudo firewall-cmd {ports}", "sudo firewall-cmd --runtime-to-permanent"]
    return []


def free_port_near(port: int, is_usable: Callable[[int], bool]) -> int:
    """The next port after *port* that is *is_usable*, else the last before it; *port* itself where
    none is."""
    unprivileged = 1024
    after = range(max(port + 1, unprivileged), 65536)
    before = range(port - 1, unprivileged - 1, -1)
    return next(filter(is_usable, chain(after, before)), port)


def port_owner(address: str, port: int, protocol: str) -> PortOwner | ReservedRange | None:
    """The process that uses the *port* on an address that overlaps with *address*, or the range
    that the system has reserved. None if there is none, or it is not visible, such as another
    user's process."""
    if pid := next(filter(None, _servers(address, port, protocol)), None):
        return PortOwner(pid, program_of(pid))
    return reserved_range(address, port, protocol)


def _servers(address: str, port: int, protocol: str) -> list[int | None]:
    """The processes, None: not visible, that serve the *port* on an address that overlaps with
    *address*."""
    import psutil  # noqa: PLC0415 - as in processes

    return [
        pid
        for found, pid in _connections(protocol)
        if found.laddr and found.laddr.port == port and overlap(found.laddr.ip, address)
        # A connected UDP socket is a client's.
        if found.status == psutil.CONN_LISTEN or not found.raddr
    ]


def _connections(protocol: str) -> "list[tuple[sconn | pconn, int | None]]":
    import psutil  # noqa: PLC0415 - as in processes

    try:
        return [(found, found.pid) for found in psutil.net_connections(protocol)]
    except psutil.AccessDenied:  # macOS shows an ordinary user only their own processes, one by one
        pass
    own: list[tuple[sconn | pconn, int | None]] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            own += [(found, process.pid) for found in process.net_connections(protocol)]
    return own


_Bind = Callable[[socket.socket, tuple[str, int]], None]
"""A probe is an address to bind and how: where two sockets may not share a port differs by
system."""


def _bind(probe: socket.socket, place: tuple[str, int]) -> None:
    if sys.platform == "win32":
        probe.bind(place)
        return
    if probe.type == socket.SOCK_STREAM:
        # Otherwise, connections of a stopped server block the port for a minute (TIME_WAIT),
        # although a new server could start. With UDP, this option would let two processes share the
        # port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(place)


def _bind_alone(probe: socket.socket, place: tuple[str, int]) -> None:
    if sys.platform == "win32":
        # Otherwise, the port could be shared with a server that allows that.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    probe.bind(place)


def _probes(address: str) -> list[tuple[str, _Bind]]:
    if sys.platform == "win32":
        # In exclusive mode, 0.0.0.0 conflicts with any address, but an address does not conflict
        # with 0.0.0.0. Otherwise, 0.0.0.0 conflicts only with itself. The table is at
        # https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse
        if address in _WILDCARDS:
            return [(address, _bind_alone)]
        return [(address, _bind_alone), (_WILDCARDS[":" in address], _bind)]
    if sys.platform == "linux":
        return [(address, _bind)]
    # BSD and macOS, with SO_REUSEADDR: an address collides with itself only.
    if address in _WILDCARDS:
        return [(a, _bind) for a in (address, *_own_addresses(address))]
    return [(address, _bind), *((wildcard, _bind) for wildcard in _WILDCARDS)]


def _own_addresses(wildcard: str) -> list[str]:
    """This machine's addresses, of the family of *wildcard*."""
    import psutil  # noqa: PLC0415 - as in processes

    family = _family(wildcard)
    found = [a.address for on in psutil.net_if_addrs().values() for a in on if a.family == family]
    return [address for address in found if "%" not in address]  # no link-local ones


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _can_bind(address: str, port: int, protocol: str, bind: _Bind) -> bool:
    """Raises PermissionError."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    try:
        with socket.socket(_family(address), kind) as probe:
            bind(probe, (address, port))
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        return error.errno != errno.EADDRINUSE
    return True


# -- the router ------------------------------------------------------------------------------------

_ROUTE_TO, _ARP_AT = re.compile(r"gateway: (\S+)"), re.compile(r" at ([0-9a-f:]+) ")


def router_to(outside: str) -> tuple[str, str]:
    """The IP address and the hardware address of the router on the way to the IPv4 address
    *outside*, on Windows and macOS. Empty: not known."""
    if sys.platform == "win32":
        return _router_of_windows(outside)
    if sys.platform == "darwin":
        way = _ROUTE_TO.search(_printed("/sbin/route", "-n", "get", outside))
        found = _ARP_AT.search(_printed("/usr/sbin/arp", "-n", way[1])) if way else None
        return (way[1], found[1]) if way and found else ("", "")
    return "", ""


def _printed(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _router_of_windows(outside: str) -> tuple[str, str]:
    """By `GetBestRoute`, whose row has the next hop in its fourth place, and `SendARP`."""
    if sys.platform != "win32":
        return "", ""
    import ctypes  # noqa: PLC0415 - on Windows only

    helper, row = ctypes.windll.iphlpapi, (ctypes.c_uint32 * 14)()
    target = int.from_bytes(socket.inet_aton(outside), sys.byteorder)
    if helper.GetBestRoute(target, 0, row) or not row[3]:
        return "", ""
    mac, size = (ctypes.c_ubyte * 8)(), ctypes.c_uint32(8)
    if helper.SendARP(row[3], 0, mac, ctypes.byref(size)) or not size.value:
        return "", ""
    address = socket.inet_ntoa(row[3].to_bytes(4, sys.byteorder))
    return address, bytes(mac[: size.value]).hex(":")
