"""A browser that takes pictures of the dashboard."""

import time
from collections.abc import Callable
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains

USUAL = (1200, 800)
SMALL = (900, 600)
LARGE = (2560, 1440)
SETTLED_SECONDS = 1.2
"""After going to a page: what it asks for has come and is drawn."""


class Camera:
    """Takes pictures of the page in *browser* into *folder*. ``taken``: their files."""

    def __init__(self, browser: Chrome, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.taken: list[Path] = []

    def open(self, address: str) -> None:
        """Open the dashboard at *address*."""
        self._prefer_no_motion()
        self._browser.get(address)
        self._size(USUAL)

    def take(
        self,
        name: str,
        address: str,
        size: tuple[int, int] = USUAL,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        """A picture *name* of the page at *address*, once *before* was done."""
        self._size(size)
        self._browser.execute_script("location.hash = arguments[0]", address)
        time.sleep(SETTLED_SECONDS)
        before()
        file = self._folder / f"{name}.png"
        self._browser.save_screenshot(str(file))
        self.taken.append(file)

    def click(self, selector: str) -> None:
        """Click the first element of *selector*."""
        self._browser.execute_script("document.querySelector(arguments[0]).click()", selector)
        time.sleep(SETTLED_SECONDS)

    def press(self, *keys: str, held: str = "") -> None:
        """Press *keys*, while *held* is."""
        chain = ActionChains(self._browser)
        if held:
            chain.key_down(held)
        chain.send_keys(*keys)
        if held:
            chain.key_up(held)
        chain.perform()
        time.sleep(0.3)

    def complaints(self) -> list[str]:
        """What the browser's console has since this was asked last."""
        entries = self._browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def _size(self, size: tuple[int, int]) -> None:
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def _prefer_no_motion(self) -> None:
        """Nothing is caught half-way."""
        features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        self._browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
