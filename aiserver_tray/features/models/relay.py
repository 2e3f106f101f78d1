"""A relay for a server that only programs of this computer can reach: containers of the engine
reach it through the owner, with a token.

It listens on the one address that containers have for this computer, which is the engine's own. As
a computer also takes packets for such an address that come from elsewhere, it looks at who asks:
only the ranges of the engine's networks are let in, then only with the token, and only to this one
server. Each connection is for one request, whose head is read here.
"""

import hmac
import json
import logging
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from threading import BoundedSemaphore
from typing import Final
from urllib.parse import urlsplit

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.models.servers import Server
from aiserver_tray.features.stack.forwarding import Relay

HOST: Final = "host.docker.internal"
"""This computer's name in containers."""
_MAX_HEAD: Final = 1 << 16
_HEAD_SECONDS: Final = 20.0
_CONNECT_SECONDS: Final = 10.0
_MAX_CONNECTIONS: Final = 64
_NEAR: Final = 20
"""If a server's port is in use, so many after it are tried."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RelayAccess:
    """What a relay asks about each connection. ``keys``: the token that is wanted, and the key
    that the server wants; ``subnets``: the ranges of the engine's networks; ``reached``: is told
    whether the server was there."""

    keys: Callable[[], tuple[str, str]]
    subnets: Callable[[], Iterable[str]]
    reached: Callable[[bool], None]


class ModelRelay:
    """Listens on *gateway*, at *port* or near it, for *server*, and lets in as *access* says.

    Raises:
        OSError: it can't listen there.
    """

    def __init__(self, gateway: str, port: int, server: Server, access: RelayAccess) -> None:
        self.gateway = gateway
        self._server = server
        self._access = access
        self._known: tuple[str, ...] = ()
        self._room = BoundedSemaphore(_MAX_CONNECTIONS)
        listener = _listen(gateway, port)
        self.port: int = listener.getsockname()[1]
        self._relay = Relay(self._admitted, listener)

    def close(self) -> None:
        """Stop to listen, and end all connections."""
        self._relay.close()

    @contextmanager
    def _admitted(self, near: socket.socket) -> Iterator[socket.socket]:
        """The connection to the server, once the request on *near* was let in and its head sent."""
        if not self._is_container(near.getpeername()[0]):
            raise OSError("not a container of the engine")
        if not self._room.acquire(blocking=False):
            _refuse(near, 503, Text("Too many requests at once."))
            raise OSError("too many connections")
        try:
            head, rest = _head(near)
            token, key = self._access.keys()
            if not _has_token(head, token):
                _refuse(near, 401, Text("The relay of AI-Server Tray does not know this API key."))
                raise OSError("not the token")
            if not is_of_openai(head, self._server):
                _refuse(near, 403, Text("The relay passes on requests to models only."))
                raise OSError("another path")
            with closing(self._connected(near)) as far:
                far.sendall(rewritten(head, self._server, key) + rest)
                near.settimeout(None)
                yield far
        finally:
            self._room.release()

    def _connected(self, near: socket.socket) -> socket.socket:
        try:
            place = self._server.host, self._server.port
            far = socket.create_connection(place, _CONNECT_SECONDS)
        except OSError:
            self._access.reached(False)  # noqa: FBT003 - the fact itself
            why = Text("{name} is off: nothing answers there.", name=self._server.title)
            _refuse(near, 502, why)
            raise
        self._access.reached(True)  # noqa: FBT003 - the fact itself
        return far

    def _is_container(self, address: str) -> bool:
        if not _is_within(address, self._known):
            self._known = tuple(self._access.subnets())  # there may be a new network
        return _is_within(address, self._known)


def _is_within(address: str, subnets: Iterable[str]) -> bool:
    one = ip_address(address.partition("%")[0])
    return any(one in ip_network(subnet, strict=False) for subnet in subnets)


def _listen(gateway: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    for number in range(port, min(port + _NEAR, 65536)):
        with suppress(OSError):
            return socket.create_server((gateway, number), family=family)
    return socket.create_server((gateway, 0), family=family)


def _head(near: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request with the empty line at its end, and what came of its body."""
    near.settimeout(_HEAD_SECONDS)
    read = b""
    while b"\r\n\r\n" not in read:
        piece = near.recv(_MAX_HEAD - len(read))
        if not piece:
            raise OSError("the head of the request has no end")
        read += piece
    end = read.index(b"\r\n\r\n") + 4
    return read[:end], read[end:]


def _has_token(head: bytes, token: str) -> bool:
    found = re.findall(rb"(?im)^authorization:[ \t]*bearer[ \t]+(\S+)[ \t]*\r$", head)
    return len(found) == 1 and hmac.compare_digest(found[0], token.encode())


def is_of_openai(head: bytes, server: Server) -> bool:
    """Whether the request is for OpenAI's interface of *server*. Others of the same port, such as
    Ollama's, could delete its models."""
    found = re.match(rb"[A-Z]+ (/[A-Za-z0-9/_.:~-]*)(\?[\x21-\x7e]*)? HTTP/1\.[01]\r\n", head)
    path = found[1].decode() if found else ""
    return path.startswith(f"{urlsplit(server.address).path}/") and ".." not in path


def rewritten(head: bytes, server: Server, key: str) -> bytes:
    """The *head* of a request as *server* gets it: with its own name, its own *key* instead of our
    token, and as the only request of its connection."""
    first, *lines = head[:-4].split(b"\r\n")
    ours = (b"host", b"authorization", b"connection", b"keep-alive", b"proxy-connection")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in ours]
    own = [f"Host: {server.host}:{server.port}".encode(), b"Connection: close"]
    own += [f"Authorization: Bearer {key}".encode()] if key else []
    return b"\r\n".join([first, *own, *kept, b"", b""])


def _refuse(near: socket.socket, status: int, why: Text) -> None:
    """Answer in the form of OpenAI's errors, which OneAPI passes on."""
    body = json.dumps({"error": {"message": str(why), "type": "aiserver_relay"}}).encode()
    head = f"HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n"
    with suppress(OSError):  # it has gone
        near.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
