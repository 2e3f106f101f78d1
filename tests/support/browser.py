"""A real Chromium without a window."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

from tests.support.no_network_news import refuse_network_news
from tests.support.waiting import eventually

FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
)


_IS_USABLE = "return !arguments[0].matches(':disabled, [aria-disabled=true]')"


class Part(WebElement):
    """A part of the page."""

    def click(self) -> None:
        """Click it, as people do: once it can be used, and nothing that comes or goes covers it."""
        eventually(self._is_clicked, "what can be clicked")

    def _is_clicked(self) -> bool:
        if not self.parent.execute_script(_IS_USABLE, self):
            return False
        try:
            super().click()
        except (ElementClickInterceptedException, ElementNotInteractableException) as error:
            raise LookupError(error.msg) from error
        return True


class Browser(Chrome):
    """Its pages are made of `Part`."""

    def create_web_element(self, element_id: str) -> Part:
        return Part(self, element_id)


@contextmanager
def chromium_in(folder: Path, *flags: str, program: Path | None = None) -> Iterator[Chrome]:
    """A browser that keeps its profile in *folder*. *program* starts it in another
    way than usual."""
    options = ChromeOptions()
    if chromium := program or shutil.which("chromium"):  # else selenium finds its own
        options.binary_location = str(chromium)
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Not in *folder*: Chromium ends if the path of its socket has more than 107 characters.
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        service = Service(
            shutil.which("chromedriver"),
            env=os.environ | {"TMPDIR": temporary},
            popen_kw={"preexec_fn": refuse_network_news},
        )
        browser = Browser(options, service)
        try:
            yield browser
        finally:
            browser.quit()


def reset(chromium: Chrome) -> None:
    """Take back what an earlier test has set in the tab. A page whose focus is emulated, say, is
    never hidden."""
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": False})
    chromium.set_window_size(1200, 800)
