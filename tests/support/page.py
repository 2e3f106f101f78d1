"""A page of the dashboard as a user of the browser sees and works it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.waiting import eventually

Address = str | Callable[[], str]
"""A function returns a new one for each visit, for addresses that can be used once."""


class Page:
    """The page at *address*; *pictures*: folder for screenshots."""

    def __init__(self, browser: Chrome, address: Address, pictures: Path) -> None:
        self._browser = browser
        self._pictures = pictures
        browser.get(address() if callable(address) else address)

    @property
    def address(self) -> str:
        """As the page knows it: the browser hears of another fragment a moment later."""
        return str(self.script("return location.href"))

    def go(self, address: str) -> None:
        """Go to a page of the dashboard."""
        self.script("location.hash = arguments[0]", address)

    def reload(self) -> None:
        self._browser.refresh()

    def withhold(self, *files: str) -> None:
        """The browser can't get what ends with one of *files*; none: it can get everything."""
        self._browser.execute_cdp_cmd("Network.enable", {})
        urls = [f"*/{file}" for file in files]
        self._browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": urls})

    def all(self, selector: str) -> list[WebElement]:
        return self._browser.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(self, selector: str) -> WebElement:
        """The first element of *selector*, once there is one."""
        found: WebElement = self.until(lambda: self.all(selector), selector)[0]
        return found

    def wait_for_text(self, text: str, selector: str = "body") -> None:
        def has_text() -> bool:
            script = "return document.querySelector(arguments[0])?.innerText ?? ''"
            return text in self._browser.execute_script(script, selector)

        self.until(has_text, f"{text!r} in {selector}")

    def until(self, condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401
        """The first true result of *condition*."""

        def probe() -> Any:  # noqa: ANN401
            try:
                return condition()
            except StaleElementReferenceException as error:  # replaced while it was looked at
                raise LookupError(what) from error

        try:
            return eventually(probe, what)
        except AssertionError as error:
            error.add_note("\n".join([self.text, *self.complaints()]))
            raise

    @property
    def text(self) -> str:
        return self._browser.find_element(By.TAG_NAME, "body").text

    def button(self, name: str) -> WebElement:
        """The button that assistive technology calls *name*."""

        def found() -> WebElement | None:
            buttons = self.all("button, a.button")
            return next((b for b in buttons if b.accessible_name == name), None)

        button: WebElement = self.until(found, f"button {name}")
        return button

    def press(self, *keys: str) -> None:
        ActionChains(self._browser).send_keys(*keys).perform()

    def insert(self, text: str) -> None:
        """Write *text* as an input method does. It may have characters that no key has."""
        self._browser.execute_cdp_cmd("Input.insertText", {"text": text})

    def chord(self, modifier: str, key: str) -> None:
        """Press *key* while *modifier* is held."""
        chain = ActionChains(self._browser)
        chain.key_down(modifier).send_keys(key).key_up(modifier).perform()

    def tab_to(self, name: str) -> None:
        """Move the keyboard's focus until it is on the button *name*."""
        for _ in range(80):
            self.press(Keys.TAB)
            (focused,) = self.until(lambda: [self._focused()], "what has the focus")
            if focused == name:
                return
        raise AssertionError(f"the keyboard does not get to {name}")

    def _focused(self) -> str:
        return self._browser.switch_to.active_element.accessible_name

    def script(self, script: str, *arguments: object) -> Any:  # noqa: ANN401
        return self._browser.execute_script(script, *arguments)

    def later(self, script: str) -> Any:  # noqa: ANN401
        """What *script* gives to the function that is its only argument."""
        return self._browser.execute_async_script(script)

    def command(self, name: str, **parameters: object) -> Any:  # noqa: ANN401
        """The answer to a command of Chromium's protocol for developers."""
        return self._browser.execute_cdp_cmd(name, parameters)

    def prefer(self, **features: str) -> None:
        """Let the system prefer some *features*: color_scheme, reduced_motion."""
        wanted = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self._browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def force_colors(self, forced: str) -> None:
        """Let the system have high contrast ("active"), or not ("none")."""
        features = [{"name": "forced-colors", "value": forced}]
        self._browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def resize(self, width: int, height: int, scale: int = 1) -> None:
        """Let the window have this size, in the page's own pixels; *scale*: how it is zoomed."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self._browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def picture(self, name: str) -> Path:
        path = self._pictures / f"{name}.png"
        self._browser.save_screenshot(str(path))
        return path

    def complaints(self) -> list[str]:
        """What the browser's console has, such as violations of the policy. Pages of modules, which
        other tabs have, may complain of themselves."""
        origin = self.script("return location.origin")
        said = [entry["message"] for entry in console(self._browser)]
        ours = [one for one in said if one.startswith(origin) or not one.startswith("http")]
        # axe-core reads a canvas of its own.
        return [one for one in ours if "willReadFrequently" not in one]


def console(browser: Chrome) -> list[dict[str, Any]]:
    """The entries of the console since this was asked last."""
    entries: list[dict[str, Any]] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return entries
