"""Tests here run on a virtual screen, most of them against the lab's real Docker Engine."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from tests.desktop.shop import write_shop
from tests.lab.fixtures import engine, lab
from tests.support.desktop.applet import Applet
from tests.support.desktop.desktop import SERVICES, Desktop, desktop_of
from tests.support.desktop.desktop import shell as shell_of
from tests.support.desktop.shell import Shell
from tests.support.installation import Installation, checked, here

__all__ = ["engine", "here", "lab"]


@pytest.fixture(scope="session")
def shell() -> Iterator[Shell]:
    """A shell with all that it has, for the desktops of many tests; a test that takes something
    from it, or changes its screen, makes its own."""
    with shell_of(*SERVICES) as found:
        yield found


@pytest.fixture
def screen(shell: Shell) -> Iterator[Desktop]:
    """A desktop with all that a shell has, as new."""
    with desktop_of(shell) as found:
        yield found


@pytest.fixture
def shop(here: Installation) -> Installation:
    """An installation with one chosen module."""
    write_shop(here, partial(checked, "true"))
    here.app.settings.choose(["shop"])
    return here


@pytest.fixture
def applet(screen: Desktop, shop: Installation) -> Iterator[Applet]:
    """The applet, not yet started."""
    with closing(Applet(screen, shop)) as found:
        yield found
