"""The network of this computer: its addresses there, its name, and whether it is the same network
as before."""

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiserver_tray.system.ports import router_to

PRIVATE: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("fc00::/7", "fe80::/10"),
)
"""The addresses that are not on the internet."""
_TAILNET: Final = ipaddress.IPv4Network("100.64.0.0/10")
_VIRTUAL: Final = re.compile(r"lo\d*|docker|br-|veth|virbr|vEthernet|bridge\d|utun|podman|cni")
"""How interfaces begin that lead to no other device."""
_OUTSIDE: Final = ("192.0.2.1", 9)
"""An address of nobody (RFC 5737). Nothing is sent to it."""
_MAX_LABEL: Final = 40
_ROUTES, _NEIGHBOURS = Path("/proc/net/route"), Path("/proc/net/arp")


@dataclass(frozen=True)
class Network:
    """An address of this computer, and the network that it belongs to."""

    address: str
    interface: str
    range: str
    """Such as ``192.168.1.0/24``."""
    router: str = ""
    """The hardware address of its router; empty: the system does not say."""

    def is_same(self, range: str, router: str) -> bool:
        """Whether it is the network with that *range* and *router*. Many homes have the same range,
        but no two have the same router. A network whose router is not known (yet) is another one
        than one whose router is."""
        return self.range == range and (not router or self.router == router)


def networks() -> list[Network]:
    """Those of this computer that are not on the internet, the usual one first."""
    usual = _usual_address()
    found = [one for one in _all() if is_private(one.address)]
    real = [one for one in found if not _VIRTUAL.match(one.interface)] or found
    if usual and usual not in [one.address for one in real]:
        real += [one for one in found if one.address == usual]
    return sorted(real, key=lambda one: (one.address != usual, one.interface))


def others(here: Network | None) -> list[str]:
    """The addresses of this computer besides that of *here* at which other devices may reach it:
    also public ones."""
    found = (one for one in _all() if not _VIRTUAL.match(one.interface))
    return [one.address for one in found if here and one.address != here.address]


def further(here: Network | None) -> list[str]:
    """The ranges of the further networks of this computer, without those that hold the network of
    *here*."""
    if here is None:
        return []
    inside = ipaddress.IPv4Network(here.range)
    found = {_reached_by(one) for one in _all() if not _VIRTUAL.match(one.interface)}
    return sorted(str(one) for one in found if not inside.subnet_of(one))


def apart(ranges: Iterable[str], others: Iterable[str]) -> list[str]:
    """Those of *ranges* that overlap with none of *others*."""
    known = [ipaddress.ip_network(one, strict=False) for one in others]
    found = ((one, ipaddress.ip_network(one)) for one in ranges)
    return [one for one, range in found if not any(map(range.overlaps, known))]


def _reached_by(one: Network) -> ipaddress.IPv4Network:
    """The range of a network; of a tunnel with a single address such as Tailscale's, all of its
    kind."""
    found = ipaddress.IPv4Network(one.range)
    return _TAILNET if found.prefixlen == 32 and found.subnet_of(_TAILNET) else found


def is_private(address: str) -> bool:
    """Whether the IP *address* is one of `PRIVATE`."""
    found = ipaddress.ip_address(address)
    ranges = map(ipaddress.ip_network, PRIVATE)
    return any(found in one for one in ranges if one.version == found.version)


def label() -> str:
    """The name of this computer as a part of a host name."""
    name = socket.gethostname().partition(".")[0].lower()
    return re.sub("[^a-z0-9]+", "-", name).strip("-")[:_MAX_LABEL].strip("-") or "computer"


def router_address() -> str:
    """The IP address of the router on the way to the internet; empty: not known."""
    with suppress(OSError, ValueError):
        rows = [line.split() for line in _ROUTES.read_text(encoding="ascii").splitlines()[1:]]
        ways = [row[2] for row in rows if row[1] == "00000000"]
        return socket.inet_ntoa(bytes.fromhex(ways[0])[::-1]) if ways else ""
    return router_to(_OUTSIDE[0])[0]


def _usual_address() -> str | None:
    """The address from which the internet would be asked."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_OUTSIDE)
        return str(probe.getsockname()[0])
    return None


def _all() -> Iterator[Network]:
    """Every IPv4 address of this computer."""
    import psutil  # noqa: PLC0415 - takes a while, and is rarely needed

    stats, router = psutil.net_if_stats(), router_to(_OUTSIDE[0])
    for interface, addresses in psutil.net_if_addrs().items():
        is_up = interface not in stats or stats[interface].isup
        for one in addresses if is_up else ():
            if one.family == socket.AF_INET and not one.address.startswith("127."):
                given = f"{one.address}/{one.netmask or '255.255.255.255'}"
                range = ipaddress.ip_interface(given).network
                is_way = bool(router[0]) and ipaddress.ip_address(router[0]) in range
                hardware = router[1] if is_way else _router(interface)
                yield Network(one.address, interface, str(range), hardware)


def _router(interface: str) -> str:
    """The hardware address of the router of *interface*, where the system has these files (on
    Linux)."""
    with suppress(OSError, ValueError):
        rows = [line.split() for line in _ROUTES.read_text(encoding="ascii").splitlines()[1:]]
        ways = [row[2] for row in rows if row[0] == interface and row[1] == "00000000"]
        if ways:
            router = socket.inet_ntoa(bytes.fromhex(ways[0])[::-1])
            lines = _NEIGHBOURS.read_text(encoding="ascii").splitlines()[1:]
            known = {row[0]: row[3] for row in (line.split() for line in lines) if len(row) > 5}
            found = known.get(router, "")
            if found not in ("", "00:00:00:00:00:00"):
                return found
            # Linux forgets neighbours that are not used. This makes it ask for the router again.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.sendto(b"", (router, _OUTSIDE[1]))
    return ""
