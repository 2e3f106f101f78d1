"""The address of a module's page."""

import re
from collections.abc import Collection
from ipaddress import ip_address

_PLACE = re.compile(r"(?<=://)[^/?#]*")
_PORT = re.compile(r":([^:\]]*)$")
_USUAL = {"http": "80", "https": "443"}
_LOCALHOST = re.compile(r"(?<=://)localhost(?=[:/?#]|$)")


def page(address: str | None, bind: str) -> str | None:
    """The *address* of a page in the file, with *bind* instead of ``localhost``: ports that are
    published on one address are reachable only there."""
    if address is None or ip_address(bind).is_unspecified or bind in ("127.0.0.1", "::1"):
        return address
    host = f"[{bind}]" if ":" in bind else bind
    return _LOCALHOST.sub(host, address, count=1)


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
