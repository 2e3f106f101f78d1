"""What is done where the icon has no place."""

from contextlib import closing
from queue import SimpleQueue

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.tray import process
from aiserver_tray.tray.process import PlaceWatch, Starter

WHY = Text("{why}", why="no panel")


class Desktop:
    """Has no place until it is given one; ``told``: what was done about it."""

    def __init__(self) -> None:
        self.why: Text | None = WHY
        self.looks: SimpleQueue[None] = SimpleQueue()
        self.told: SimpleQueue[str] = SimpleQueue()

    def why_hidden(self) -> Text | None:
        self.looks.put(None)
        return self.why

    def watch(self, starter: Starter) -> PlaceWatch:
        return PlaceWatch(
            starter,
            self.why_hidden,
            missing=lambda why: self.told.put(str(why)),
            found=lambda: self.told.put("found"),
            show=lambda: self.told.put("show"),
        )


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Desktop:
    monkeypatch.setattr(process, "PANEL_TIMEOUT_SECONDS", {"user": 0.05, "login": 0.05})
    for pause in ("_POLL_SECONDS", "_SLOW_POLL_SECONDS"):
        monkeypatch.setattr(process, pause, 0.01)
    return Desktop()


def test_start_without_a_place_for_the_icon_shows_the_reason(desktop: Desktop) -> None:
    with closing(desktop.watch("user")) as watch:
        watch.start()
        assert [desktop.told.get(timeout=30) for _ in range(2)] == ["no panel", "show"]
        desktop.why = None
        assert desktop.told.get(timeout=30) == "found"


def test_at_login_no_window_opens(desktop: Desktop) -> None:
    with closing(desktop.watch("login")) as watch:
        watch.start()
        assert desktop.told.get(timeout=30) == "no panel"
        desktop.why = None
        assert desktop.told.get(timeout=30) == "found"


def test_a_place_that_comes_with_the_session_is_waited_for(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PANEL_TIMEOUT_SECONDS", {"user": 60.0})
    with closing(desktop.watch("user")) as watch:
        watch.start()
        desktop.looks.get(timeout=30)
        desktop.why = None
    desktop.why = WHY
    assert desktop.told.empty()


def test_the_applet_s_end_is_not_held_up(desktop: Desktop) -> None:
    desktop_watch = desktop.watch("user")
    desktop_watch.start()
    desktop.told.get(timeout=30)
    desktop_watch.close()
