"""Where a module's own page is reached."""

import re
from ipaddress import ip_address

_LOCALHOST = re.compile(r"(?<=://)localhost(?=[:/?#]|$)")


def page(address: str | None, bind: str) -> str | None:
    """The *address* of a page as a file has it, with *bind* for its ``localhost``: where ports are
    published on one address alone, they are reached there only."""
    if address is None or ip_address(bind).is_unspecified or bind in ("127.0.0.1", "::1"):
        return address
    host = f"[{bind}]" if ":" in bind else bind
    return _LOCALHOST.sub(host, address, count=1)
