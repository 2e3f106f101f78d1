"""A shell that breaks down, or does not have all that one has."""

from collections.abc import Iterator

import pytest

from tests.support.desktop.applet import RUNNING, STOPPED, Applet
from tests.support.desktop.desktop import SERVICES, Desktop, desktop
from tests.support.waiting import eventually


@pytest.fixture
def screen() -> Iterator[Desktop]:
    """A desktop with a shell of its own."""
    with desktop(*SERVICES) as found:
        yield found


def test_tray_survives_a_crash_of_the_shell(applet: Applet) -> None:
    applet.start()
    eventually(lambda: applet.item.offers("Start all"), "the menu")
    applet.desktop.shell.withdraw("watcher")
    eventually(lambda: "StatusNotifierWatcher" in lack(applet), "its end")
    applet.cli("up", "shop")
    applet.desktop.shell.serve("watcher")
    applet.shows(RUNNING)
    applet.quit()


def lack(applet: Applet) -> str:
    """Why the menu can't be had; empty where it can."""
    try:
        applet.item.menu()
    except OSError as error:
        return str(error)
    return ""


def test_tray_runs_without_a_notification_service(applet: Applet) -> None:
    applet.desktop.shell.withdraw("notifications")
    applet.start()
    applet.item.click("Start all")
    applet.shows(RUNNING)
    applet.item.click("Stop all")
    applet.shows(STOPPED)
    applet.quit()
