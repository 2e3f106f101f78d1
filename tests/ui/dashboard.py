"""The dashboard of an owner whose modules run on a real engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from aiserver_tray.carriers.http.access import Keys
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.owner.owner import Owner
from tests.support.browser import reset
from tests.support.installation import Installation
from tests.support.owning import Modules, owned
from tests.ui.home import HomePage


@dataclass(frozen=True)
class Dashboard:
    """The pages of an owner, in a browser."""

    browser: Chrome
    owner: Owner
    server: BrowserServer
    modules: Modules
    pictures: Path

    def page(self) -> HomePage:
        """The page in the tab that is before the others."""
        return HomePage(self.browser, self.server.address, self.pictures)

    def in_another_tab(self) -> HomePage:
        self.browser.switch_to.new_window("tab")
        return self.page()

    @contextmanager
    def at_tab(self, number: int) -> Iterator[None]:
        """That tab is before the others for a while."""
        before = self.browser.current_window_handle
        self.browser.switch_to.window(self.browser.window_handles[number])
        yield
        self.browser.switch_to.window(before)


@pytest.fixture
def dashboard(here: Installation, chromium: Chrome, tmp_path: Path) -> Iterator[Dashboard]:
    """That of the modules that a test has written before it asks for this."""
    reset(chromium)
    with (
        owned(here) as (owner, modules),
        BrowserServer(owner.api, Binding(port=0), "en", Keys()) as server,
    ):
        yield Dashboard(chromium, owner, server, modules, tmp_path)
        first, *others = chromium.window_handles
        for tab in others:
            chromium.switch_to.window(tab)
            chromium.close()
        chromium.switch_to.window(first)
        chromium.get("about:blank")
