"""Tests here run on a virtual screen, most of them against the lab's real Docker Engine."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.lab.fixtures import engine, lab
from tests.support.desktop.applet import Applet
from tests.support.desktop.desktop import SERVICES, Desktop, desktop
from tests.support.installation import Installation, after, checked, here

__all__ = ["engine", "here", "lab"]


@pytest.fixture
def screen() -> Iterator[Desktop]:
    """A desktop with all that a shell has."""
    with desktop(*SERVICES) as found:
        yield found


@pytest.fixture
def shop(here: Installation) -> Installation:
    """An installation with one chosen module, whose three services start one after the other and
    come back by themselves."""
    always = {"restart": "unless-stopped", "stop_signal": "SIGKILL"}
    services = {
        "db": checked("true", **always),
        "api": checked("true", depends_on=after("healthy", "db"), **always),
        "web": checked("true", depends_on=after("healthy", "api"), **always),
    }
    here.write("shop", services, title={"en": "Shop", "zh": "商店"})
    here.app.settings.choose(["shop"])
    return here


@pytest.fixture
def applet(screen: Desktop, shop: Installation) -> Iterator[Applet]:
    """The applet, not yet started."""
    with closing(Applet(screen, shop)) as found:
        yield found
