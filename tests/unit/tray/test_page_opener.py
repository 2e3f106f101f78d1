"""What the web browser shows where no window can be had: just what was asked for."""

from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.http.server import Binding, BrowserServer
from aiserver_tray.tray import page_opener
from aiserver_tray.tray.page_opener import PageOpener
from aiserver_tray.window.launcher import WindowFailure
from tests.support import states
from tests.support.scripted import Scripted

N8N = states.module("n8n", "running")
NO_ENGINE = (
    "AI-Server Tray can't open windows: there is no browser engine (it is missing). Your web "
    "browser is used instead."
)
CRASHED = (
    "The window crashed (it is gone). Open it again. If it crashes again within a minute, your "
    "web browser is used instead."
)
CRASHED_AGAIN = (
    "The window crashed again (it is gone). Your web browser is used instead until you restart "
    "AI-Server Tray."
)


class Windows:
    """Breaks down when a test says so."""

    def __init__(self, on_failure: Callable[[WindowFailure], None]) -> None:
        self._on_failure = on_failure
        self.asked: list[str] = []

    def show_dashboard(self, page: str) -> None:
        self.asked.append(page)

    def open_module(self, name: str, title: str, url: str) -> None:
        self.asked.append(f"{name} {title} {url}")

    def break_down(self, module: str | None = None) -> None:
        """There is no browser engine."""
        self._on_failure(WindowFailure(module, "it is missing", has_engine=False))

    def crash(self, module: str | None = None) -> None:
        """The browser engine did."""
        self._on_failure(WindowFailure(module, "it is gone", has_engine=True))

    def close(self) -> None:
        """Nothing is open."""


class Desk:
    """PageOpener, and what came of them."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.opened: list[str] = []
        self.can_serve = True
        self.now = 1000.0
        self.page_opener = PageOpener(
            self._make,
            self._serve,
            lambda text: self.told.append(str(text)),
            now=lambda: self.now,
        )

    def _make(self, on_failure: Callable[[WindowFailure], None]) -> Windows:
        self.windows = Windows(on_failure)
        return self.windows

    def _serve(self) -> BrowserServer | None:
        if not self.can_serve:
            return None
        return BrowserServer(Scripted(states.running()), Binding(), "en")

    def pages(self) -> list[str]:
        """Of the addresses that were opened, those that the dashboard shows."""
        return [urlsplit(url).fragment for url in self.opened if "token=" in url]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk()
    monkeypatch.setattr(page_opener, "open_url", desk.opened.append)
    with closing(desk.page_opener):
        yield desk


def test_the_page_that_was_asked_for_is_the_one_that_the_browser_shows(desk: Desk) -> None:
    desk.page_opener.show_dashboard("settings")
    assert (desk.windows.asked, desk.opened) == (["settings"], [])
    desk.windows.break_down()
    desk.page_opener.show_dashboard("logs/n8n")
    assert desk.pages() == ["settings", "logs/n8n"]
    assert len({urlsplit(url).netloc for url in desk.opened}) == 1, "one server"
    assert desk.told == [NO_ENGINE]
    assert desk.windows.asked == ["settings"]


def test_a_module_that_is_opened_first_is_what_is_opened(desk: Desk) -> None:
    desk.page_opener.open_module(N8N)
    desk.windows.break_down("n8n")
    desk.page_opener.open_module(N8N)
    assert desk.opened == [N8N["open"]] * 2
    desk.page_opener.show_dashboard("home")
    assert desk.pages() == ["home"]


def test_where_another_window_may_do_better_no_browser_is_opened(desk: Desk) -> None:
    desk.page_opener.open_module(N8N)
    desk.windows.crash("n8n")
    desk.page_opener.show_dashboard("home")
    assert (desk.opened, desk.told) == ([], [CRASHED])
    assert desk.windows.asked[1:] == ["home"]


@pytest.mark.parametrize("module", [None, "n8n"])
def test_where_the_same_window_crashes_again_within_a_minute_the_browser_takes_over(
    desk: Desk, module: str | None
) -> None:
    def show() -> None:
        if module:
            desk.page_opener.open_module(N8N)
        else:
            desk.page_opener.show_dashboard("settings")

    show()
    desk.windows.crash(module)
    desk.windows.crash("dify")
    desk.now += 60
    desk.windows.crash(module)
    assert (desk.opened, desk.told) == ([], [CRASHED] * 3)
    desk.now += 59
    desk.windows.crash(module)
    assert desk.told[3:] == [CRASHED_AGAIN]
    show()
    shown = desk.opened if module else desk.pages()
    assert shown == [N8N["open"] if module else "settings"] * 2
    assert len(desk.windows.asked) == 1


def test_without_a_contract_there_is_nothing_to_be_served(desk: Desk) -> None:
    desk.can_serve = False
    desk.page_opener.show_dashboard("home")
    desk.windows.break_down()
    assert desk.opened == []


def test_a_browser_that_is_missing_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_url: str) -> None:
        raise SettingError("BROWSER", Text("none was found"))

    monkeypatch.setattr(page_opener, "open_url", fail)
    desk.page_opener.show_dashboard("home")
    desk.windows.break_down()
    assert desk.told[0] == NO_ENGINE
    assert "none was found" in desk.told[1]
