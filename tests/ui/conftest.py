"""A real browser, and browser mode for it to look at."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from aiserver_tray.base.i18n import Language
from aiserver_tray.carriers.http.access import Keys
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.protocol.message import Json
from tests.lab.fixtures import engine, lab
from tests.support import states
from tests.support.browser import chromium_in, reset
from tests.support.installation import here
from tests.support.page import Address, console
from tests.support.scripted import Scripted
from tests.ui.home import HomePage

__all__ = ["engine", "here", "lab"]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium_in(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


class Stack:
    """A scripted host, and pages that show it."""

    def __init__(self, browser: Chrome, pictures: Path) -> None:
        self.host = Scripted(states.snapshot())
        self._browser = browser
        self._pictures = pictures
        self._servers = ExitStack()
        self._running: list[BrowserServer] = []
        self._keys = Keys()

    def serve(self, language: Language = "en", port: int = 0) -> BrowserServer:
        """A server of browser mode, until the test ends; at *port* it serves the pages of the one
        before there."""
        server = BrowserServer(self.host, Binding(port=port), language, self._keys)
        self._running.append(server)
        return self._servers.enter_context(server)

    def home(self, language: Language = "en") -> HomePage:
        """The page in the browser."""
        return self.at(self.serve(language).address)

    def at(self, address: Address) -> HomePage:
        """The page at *address* in the browser."""
        page = HomePage(self._browser, address, self._pictures)
        page.wait_for("main > :not(.notice, .connecting)")
        return page

    def in_another_tab(self, address: str) -> HomePage:
        """The page at *address* in a tab of its own, which is before the others."""
        self._browser.switch_to.new_window("tab")
        return self.at(address)

    def back_to_the_first_tab(self) -> None:
        """The tabs that were opened since are closed."""
        first, *others = self._browser.window_handles
        for tab in others:
            self._browser.switch_to.window(tab)
            self._browser.close()
        self._browser.switch_to.window(first)

    def show(self, shown: Json) -> Scripted:
        """Let *shown* be what pages find at the host, which is the answer."""
        self.host.show(shown)
        return self.host

    def close_servers(self) -> None:
        """The host goes away."""
        self._servers.close()

    def break_streams(self) -> None:
        """What the pages listen to ends, and no page knows why."""
        for server in self._running:
            server.browser.close()

    def close(self) -> None:
        self.back_to_the_first_tab()
        self._browser.get("about:blank")
        self.close_servers()


@pytest.fixture
def stack(chromium: Chrome, tmp_path: Path) -> Iterator[Stack]:
    console(chromium)  # what is in it is another test's
    reset(chromium)
    shown = Stack(chromium, tmp_path)
    yield shown
    shown.close()
