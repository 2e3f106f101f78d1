"""What this process answers in the local network: the names of modules, by multicast DNS, and where
other devices can't reach the engine's ports, these. No service of the system is needed. A container
could not answer for names, because multicast does not leave its network.

zeroconf neither asks before it takes a host name nor defends one, so this asks.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final

from aiserver_tray.features.stack.forwarding import Relay

if TYPE_CHECKING:
    from zeroconf import Zeroconf

_ASK_SECONDS: Final = 1.5
"""How long nobody answers for a name that nobody has."""
_TTL_SECONDS: Final = 60
"""For how long others remember a name after the process was killed."""
_MAX_NUMBER: Final = 9
SUFFIX: Final = ".local"
_CONNECT_SECONDS: Final = 10.0

Admits = Callable[[str], bool]
"""Whether a client with that IP address may connect."""

_logger = logging.getLogger(__name__)


def _zeroconf(address: str) -> "Zeroconf":
    from zeroconf import IPVersion, Zeroconf  # noqa: PLC0415 - only while something is open

    return Zeroconf(interfaces=[address], ip_version=IPVersion.V4Only)


def addresses_of(name: str, address: str, seconds: float = _ASK_SECONDS) -> frozenset[str]:
    """The IPv4 addresses that devices give for *name* within *seconds*, asked from *address* of
    this computer.

    Raises:
        OSError: the network does not allow it.
    """
    from zeroconf import AddressResolver, IPVersion  # type: ignore[attr-defined]  # noqa: PLC0415

    network = _zeroconf(address)
    try:
        resolver = AddressResolver(f"{name}.")
        resolver.request(network, round(seconds * 1000))
        return frozenset(resolver.parsed_addresses(IPVersion.V4Only))
    finally:
        network.close()


def free_name(base: str, address: str) -> str:
    """*base*.local, or the same with a number if another device has that name. A network without
    multicast has no names that could be taken."""
    first = f"{base}{SUFFIX}"
    for number in range(1, _MAX_NUMBER + 1):
        name = first if number == 1 else f"{base}-{number}{SUFFIX}"
        try:
            if addresses_of(name, address) <= {address}:
                return name
        except OSError:
            return first
    return first


class Names:
    """The names that this process answers for, and the ports that it forwards."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._relays: dict[tuple[str, int], Relay] = {}
        self._forwarding = Lock()
        self._network: Zeroconf | None = None
        self._told: tuple[str, Mapping[str, int]] = ("", {})

    def publish(self, address: str, ports: Mapping[str, int]) -> None:
        """Answer for the names in *ports* (name -> its port) with *address*, and for no others.

        Raises:
            OSError: the network does not allow it.
        """
        with self._lock:
            if self._told == (address, ports):
                return
            self._withdraw()
            if ports:
                self._network = _zeroconf(address)
                for name, port in ports.items():
                    self._register(self._network, name, address, port)
            self._told = address, dict(ports)

    @property
    def names(self) -> frozenset[str]:
        """Those that are answered now."""
        return frozenset(self._told[1])

    def forward(self, address: str, ports: Mapping[int, Admits]) -> None:
        """Listen on *address* at *ports*, and no others. What the admitted clients send is passed
        on to the same port of the loopback address."""
        wanted = {(address, port): admits for port, admits in ports.items()}
        with self._forwarding:  # names take seconds
            for place in self._relays.keys() - wanted:
                self._relays.pop(place).close()
            for place in wanted.keys() - self._relays.keys():
                connect = partial(_passed_on, place[1], wanted[place])
                try:
                    self._relays[place] = Relay(connect, socket.create_server(place))
                except OSError as error:  # the proof says so
                    _logger.warning("port %s is not forwarded: %s", place[1], error)

    def close(self) -> None:
        """Answer for none, and forward nothing."""
        self.forward("", {})
        with self._lock:
            self._withdraw()
            self._told = "", {}

    def _withdraw(self) -> None:
        network, self._network = self._network, None
        if network:
            with suppress(OSError):
                network.unregister_all_services()
            network.close()

    @staticmethod
    def _register(network: "Zeroconf", name: str, address: str, port: int) -> None:
        from zeroconf import ServiceInfo  # noqa: PLC0415 - as above

        title = f"{name.removesuffix(SUFFIX)} (AI-Server Tray)"
        kind = "_https._tcp.local."
        info = ServiceInfo(
            kind,
            f"{title}.{kind}",
            port=port,
            server=f"{name}.",
            addresses=[socket.inet_aton(address)],
            properties={"path": "/"},
            host_ttl=_TTL_SECONDS,
        )
        network.register_service(info, allow_name_change=True)


def _passed_on(port: int, admits: Admits, near: socket.socket) -> socket.socket:
    if not admits(near.getpeername()[0]):
        raise OSError("not from the network")
    return socket.create_connection(("127.0.0.1", port), _CONNECT_SECONDS)
