"""The applet from its first start to its end by pointer, on a task bar that shows real pixels."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from tests.desktop.monitor import resize
from tests.support.desktop.applet import DEVELOPERS, RUNNING, STARTING, STOPPED, Applet
from tests.support.desktop.desktop import Desktop, desktop
from tests.support.desktop.looks import Look
from tests.support.desktop.pointer import TaskBar
from tests.support.desktop.window import probed, says
from tests.support.installation import Installation, checked
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

CANCELLED = 130
"""Exit status."""


@pytest.fixture
def pixels(screen: Desktop) -> Desktop:
    """A desktop where icons are windows that a task bar takes in."""
    return _of_pixels(screen)


@pytest.fixture
def monitor() -> Iterator[Desktop]:
    """As `pixels`, with a screen of its own."""
    with desktop("notifications") as found:
        yield _of_pixels(found)


def _of_pixels(desktop: Desktop) -> Desktop:
    desktop.environment["PYSTRAY_BACKEND"] = "gtk"
    desktop.environment.update(probed(desktop.folder / "probe"))
    return desktop


def test_from_the_first_click_to_the_last(
    pixels: Desktop, shop: Installation, tmp_path: Path
) -> None:
    bar = TaskBar(pixels, Path(os.environ.get("AISERVER_SHOTS") or tmp_path))
    with closing(Applet(pixels, shop, DEVELOPERS)) as applet:
        applet.start(until=lambda: str(bar.icon()) == STOPPED)
        bar.shot("stopped")

        bar.choose("menu", "Down", "Down")  # beyond "Open dashboard", to "Start all"
        parts = [look.part for look in starting(bar)]
        assert parts == sorted(parts), "the ring grows"
        assert len(set(parts)) >= 2
        bar.shot("running")

        bar.click_icon()
        says(pixels.folder / "probe", "Everything you started is running")
        bar.shot("dashboard")

        bar.choose("menu-running", "Down", "Down")  # "Start all" can't be chosen: "Stop all"
        eventually(lambda: str(bar.icon()) == STOPPED, STOPPED)
        says(pixels.folder / "probe", "Nothing is running")
        bar.shot("stopped-again")

        bar.choose("quit", "Up", "Right")  # the last, and in its submenu the first
        applet.ends()
        eventually(bar.is_empty, "end of the icon")


def test_a_menu_that_is_open_follows_what_begins_and_ends(
    pixels: Desktop, shop: Installation, tmp_path: Path
) -> None:
    shop.write("slow", {"slow": checked("false")})
    bar = TaskBar(pixels, Path(os.environ.get("AISERVER_SHOTS") or tmp_path))
    with closing(Applet(pixels, shop)) as applet, ThreadPoolExecutor(1) as threads:
        applet.start(until=lambda: str(bar.icon()) == STOPPED)
        bar.open_menu()
        began = threads.submit(applet.cli, "up", "slow")
        eventually(lambda: str(bar.icon()) == STARTING, STARTING)
        bar.take("menu-working", "Down", "Down")  # to "Cancel", in the place of "Start all"
        cancelled = began.exception(LIMIT)
        assert isinstance(cancelled, CalledProcessError)
        assert cancelled.returncode == CANCELLED

        bar.open_menu()
        applet.cli("stop")
        eventually(lambda: str(bar.icon()) == STOPPED, STOPPED)
        bar.take("quit-stopped", "Up", "Right")
        applet.ends()


def test_icon_and_menu_outlast_a_change_of_the_screen(
    monitor: Desktop, shop: Installation, tmp_path: Path
) -> None:
    bar = TaskBar(monitor, Path(os.environ.get("AISERVER_SHOTS") or tmp_path))
    with closing(Applet(monitor, shop)) as applet:
        applet.start(until=lambda: str(bar.icon()) == STOPPED)
        resize(monitor, 1024, 700)
        bar.choose("menu-small", "Down", "Down")
        eventually(lambda: str(bar.icon()) == RUNNING, RUNNING)

        resize(monitor, 1280, 900)
        bar.choose("menu-large", "Down", "Down")
        eventually(lambda: str(bar.icon()) == STOPPED, STOPPED)
        bar.click_icon()
        says(monitor.folder / "probe", "Nothing is running")
        bar.shot("large")
        bar.choose("quit", "Up", "Right")
        applet.ends()


def starting(bar: TaskBar) -> list[Look]:
    """What the icon looked like before all ran."""
    seen: list[Look] = []

    def is_running() -> bool:
        look = bar.icon()
        if str(look) == STARTING:
            if look not in seen:
                bar.shot("starting")
            seen.append(look)
        return str(look) == RUNNING

    eventually(is_running, RUNNING)
    return seen
