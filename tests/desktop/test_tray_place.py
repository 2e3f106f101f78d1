"""A desktop that has no place for the icon, as GNOME comes."""

from collections.abc import Iterator

import pytest

from tests.support.desktop.applet import STOPPED, Applet
from tests.support.desktop.desktop import Desktop, desktop
from tests.support.waiting import eventually

WHY = "This desktop has no place for the icon."


@pytest.fixture
def screen() -> Iterator[Desktop]:
    with desktop("notifications") as found:
        yield found


def test_the_user_sees_the_dashboard_and_why_until_the_icon_has_its_place(applet: Applet) -> None:
    applet.start(until=lambda: bool(applet.windows("dashboard")))
    eventually(lambda: applet.desktop.windows("AI-Server Tray"), "the dashboard")
    (told,) = eventually(lambda: applet.desktop.told("notification"), "the remark")
    assert told["body"].startswith(WHY)
    assert WHY in applet.complaints()
    assert f"NOTE     {WHY}" in applet.cli("doctor")
    applet.desktop.serve("watcher")
    applet.shows(STOPPED)
    (closed,) = eventually(lambda: applet.desktop.told("notification-closed"), "its end")
    assert closed["id"] == told["id"]
    assert "has a place for the applet's icon" in applet.cli("doctor")
    applet.item.click("Quit", "Quit, leave everything running")
    assert applet.process.wait(30) == 0


def test_a_bar_that_nobody_shows_is_no_place_either(applet: Applet) -> None:
    applet.desktop.serve("hostless")
    applet.start(until=lambda: bool(applet.windows("dashboard")))
    assert WHY in applet.complaints()
    applet.cli("quit")
    assert applet.process.wait(30) == 0


def test_a_place_that_comes_a_little_later_is_waited_for(applet: Applet) -> None:
    # It must come within the seconds that the applet waits for it.
    applet.desktop.prepare("watcher")
    process = applet.launch()
    eventually((applet.installation.home / "icon").exists, "the icon's process")
    applet.desktop.serve_prepared("watcher")
    applet.shows(STOPPED)
    applet.cli("quit")
    assert process.wait(30) == 0
    assert applet.complaints() == ""
    assert applet.desktop.told("notification") == []
