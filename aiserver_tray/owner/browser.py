"""Serving the dashboard to web browsers, for a client."""

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypedDict

from pydantic import Field

from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer

if TYPE_CHECKING:
    from aiserver_tray.carriers.http.server import BrowserServer


class BrowserOpen(Payload):
    """Where and how to serve."""

    address: str
    """an IP address of this machine"""
    port: int = Field(ge=0, le=65535)
    """0: any free port"""
    certificate: str | None = None
    """a PEM file, for TLS"""
    key: str | None = None
    """its key, if that is in another file"""
    token: str = Field(repr=False, min_length=32)
    """secret in the address that is given to the user"""
    session: str = Field(repr=False, min_length=32)
    """secret in the browser's cookie"""
    page: str = Field(repr=False, min_length=32)
    """secret in the page's path"""


class BrowserOpened(TypedDict):
    """The dashboard is served."""

    address: str
    """what to open in the browser; anyone who has it can do everything that the user can"""
    port: int


class BrowserFeature(Feature):
    """``browser/open``."""

    def __init__(self, place: Place) -> None:
        self._contract = place.contract
        self._home = place.app.settings.home
        self._lock = Lock()
        self._servers: dict[Peer, list[BrowserServer]] = {}

    def forget(self, peer: Peer) -> None:
        """Stop serving for *peer*."""
        with self._lock:
            servers = self._servers.pop(peer, [])
        for server in servers:
            server.close()

    def close(self) -> None:
        """Stop serving."""
        for peer in list(self._servers):
            self.forget(peer)

    @channel("browser/open", callers=["command"])
    def _open(self, asked: BrowserOpen, caller: Caller) -> BrowserOpened:
        """Serve the dashboard to web browsers, as long as this client is connected."""
        # Few people ever need it.
        from aiserver_tray.carriers.http.access import Keys  # noqa: PLC0415
        from aiserver_tray.carriers.http.server import Binding, BrowserServer  # noqa: PLC0415
        from aiserver_tray.carriers.local.place import make_key  # noqa: PLC0415

        binding = Binding(asked.address, asked.port, _path(asked.certificate), _path(asked.key))
        keys = Keys(asked.token, asked.session, asked.page, make_key(self._home))
        server = BrowserServer(self._contract, binding, caller.peer.language, keys)
        with self._lock:
            self._servers.setdefault(caller.peer, []).append(server)
        return {"address": server.address, "port": server.port}


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None
