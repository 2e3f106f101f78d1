"""The address of a module's page."""

import re
from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from aiserver_tray.model import Port

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module

_PLACE = re.compile(r"(?<=://)[^/?#]*")
_PORT = re.compile(r":([^:\]]*)$")
_USUAL = {"http": "80", "https": "443"}
_TLS: Final = frozenset({443, 8443, 9443})
_NO_PAGE: Final = frozenset({
    21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 5900,  # files, shells, mail, names
    1433, 1521, 3306, 5432, 6379, 9042, 11211, 26257, 27017, 33060, 50000,  # databases
    6334, 7687, 9200, 9300, 19530,  # search and vectors: APIs without pages
    1883, 4222, 5671, 5672, 6650, 8883, 9092, 61616,  # messages
    2181, 2379, 2380, 50051,  # coordination, gRPC
})  # fmt: skip
"""Ports in containers that are known to have no web page."""
_LOCALHOST = re.compile(r"(?<=://)localhost(?=[:/?#]|$)")


def page(address: str | None, bind: str) -> str | None:
    """The *address* of a page in the file, with *bind* instead of ``localhost``: ports that are
    published on one address are reachable only there."""
    return address and _LOCALHOST.sub(_host(bind), address, count=1)


def _host(bind: str) -> str:
    """The host in the address of what is published on *bind*."""
    if ip_address(bind).is_unspecified or bind in ("127.0.0.1", "::1"):
        return "localhost"
    return f"[{bind}]" if ":" in bind else bind


def published_place(address: str | None, ports: Collection[str]) -> str | None:
    """Host and port of the page at *address*, if its port is one of *ports*."""
    found = _PLACE.search(address or "")
    if address is None or found is None:
        return None
    named = _PORT.search(found[0])
    port = named[1] if named else _USUAL.get(address.partition(":")[0])
    return found[0] if port in ports else None


def moved(address: str, place: str) -> str:
    """The page at *address*, at the host and port *place*."""
    return _PLACE.sub(lambda _: place, address, count=1)


def pages(
    module: "Module", published: Mapping[str, Iterable[tuple[int, str]]]
) -> tuple[tuple[str, int], ...]:
    """The ports of *module* that may be web pages, as service and port in its container, in the
    file's order. *published*: service -> its published ports, with their protocols."""
    if module.hides_ports:
        return ()
    written = [*module.section("services")]
    order = sorted(published, key=lambda n: written.index(n) if n in written else len(written))
    return tuple(
        (service, port)
        for service in order
        for port, protocol in published[service]
        if protocol == "tcp" and port not in _NO_PAGE and port not in module.no_page
    )


def page_at(port: Port) -> str:
    """The address of the web page at the published *port*."""
    scheme = "https" if port.container in _TLS else "http"
    return f"{scheme}://{_host(port.address)}:{port.host}"
