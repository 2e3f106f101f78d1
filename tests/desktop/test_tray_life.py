"""A day with the tray: its icon, its menu, and how it comes and goes."""

import time

from tests.desktop.applet import Applet

STOPPED = "grey ring"
RUNNING = "green disc with a check mark"


def test_start_all_and_stop_all_show_on_the_icon(applet: Applet) -> None:
    applet.start()
    applet.shows(STOPPED)
    applet.item.click("Start all")
    applet.shows(RUNNING)
    parts = [look.part for look in applet.looks() if str(look) == "amber ring around a dot"]
    assert parts == sorted(parts)
    assert len(parts) >= 3, parts
    assert parts[0] < 0.05
    began = time.monotonic()
    applet.item.click("Stop all")
    applet.shows(STOPPED)
    assert "amber disc with a square" in map(str, applet.looks(began))
    applet.quit()
