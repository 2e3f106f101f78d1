"""A desktop that has no place for the icon, as GNOME comes."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from aiserver_tray.system.tray_place import ANY, why_unavailable
from tests.support.desktop.applet import STOPPED, Applet
from tests.support.desktop.desktop import Desktop, desktop
from tests.support.desktop.hurried import in_a_hurry
from tests.support.installation import Installation
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

WHY = "This desktop can't show the tray icon."
GNOME = "gnome-shell-extension-appindicator"


@pytest.fixture
def screen() -> Iterator[Desktop]:
    with desktop("notifications") as found:
        yield found


@pytest.fixture
def applet(screen: Desktop, shop: Installation) -> Iterator[Applet]:
    """The applet, not yet started, which does not wait long for a place."""
    with closing(Applet(screen, shop, in_a_hurry("impatient"))) as found:
        yield found


def test_the_user_sees_the_dashboard_and_why_until_the_icon_has_its_place(applet: Applet) -> None:
    applet.start(until=lambda: bool(applet.windows("dashboard")))
    eventually(lambda: applet.desktop.windows("AI-Server Tray"), "the dashboard")
    (told,) = eventually(lambda: applet.desktop.told("notification"), "the remark")
    assert told["body"].startswith(WHY)
    assert WHY in applet.complaints()
    assert f"NOTE     {WHY}" in applet.cli("doctor")
    applet.desktop.shell.serve("watcher")
    applet.shows(STOPPED)
    (closed,) = eventually(lambda: applet.desktop.told("notification-closed"), "its end")
    assert closed["id"] == told["id"]
    assert "can show the applet's icon" in applet.cli("doctor")
    applet.item.click("Quit", "Quit and keep everything running")
    assert applet.process.wait(LIMIT) == 0


def test_bar_without_a_host_is_no_place_for_the_icon(applet: Applet) -> None:
    applet.desktop.shell.serve("hostless")
    applet.start(until=lambda: bool(applet.windows("dashboard")))
    assert WHY in applet.complaints()
    eventually(applet.quits_by_command, "the core, which may come after the window")
    assert applet.process.wait(LIMIT) == 0


def test_tray_waits_for_a_place_that_comes_later(screen: Desktop, shop: Installation) -> None:
    with closing(Applet(screen, shop, in_a_hurry("patient"))) as applet:
        process = applet.launch()
        eventually((applet.installation.home / "icon").exists, "the icon's process")
        applet.desktop.shell.serve("watcher")
        applet.shows(STOPPED)
        eventually(applet.quits_by_command, "the core, which comes after the icon")
        assert process.wait(LIMIT) == 0
        assert applet.complaints() == ""
        assert applet.desktop.told("notification") == []


def test_no_display_and_no_bus_have_no_place_for_the_icon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert GNOME in str(why_unavailable(ANY))
