"""The module that the tray's tests start and stop."""

from typing import Protocol

from tests.support.installation import Installation, Service, after

SERVICES = ("db", "api", "web")
"""In the order in which they start."""


class Maker(Protocol):
    """Makes a service of what is special about it."""

    def __call__(self, **more: object) -> Service: ...


def write_shop(here: Installation, make: Maker) -> None:
    """Write it: its services start one after the other, and come back by themselves."""
    always = {"restart": "unless-stopped", "stop_signal": "SIGKILL"}
    services: dict[str, Service] = {}
    for name in SERVICES:
        services[name] = make(depends_on=after("healthy", *[*services][-1:]), **always)
    here.write("shop", services, title={"en": "Shop", "zh": "商店"})
