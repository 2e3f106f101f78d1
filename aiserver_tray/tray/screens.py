"""Where the dashboard and the modules' own pages are shown: in windows, or, where none can be had,
in the system's web browser."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from aiserver_tray.contract import Json
from aiserver_tray.errors import AiServerError
from aiserver_tray.host.open_url import open_url
from aiserver_tray.i18n import Text
from aiserver_tray.window.launcher import Breakdown

if TYPE_CHECKING:
    from aiserver_tray.web.server import BrowserServer


class Windows(Protocol):
    """What `window.launcher.Windows` is asked for."""

    def show_dashboard(self, page: str) -> None:
        """Open the dashboard on *page*, or raise it."""

    def open_module(self, name: str, title: str, url: str) -> None:
        """Open the module's own page, or raise it."""

    def close(self) -> None:
        """Close all."""


class Screens:
    """*windows* makes the windows, given what is told of those that break down. *serve* begins to
    serve the dashboard to the web browser; None while there is nothing to be served. *tell* tells
    the user what went wrong."""

    def __init__(
        self,
        windows: Callable[[Callable[[Breakdown], None]], Windows],
        serve: Callable[[], "BrowserServer | None"],
        tell: Callable[[Text], None],
    ) -> None:
        self._serve = serve
        self._tell = tell
        self._lock = Lock()
        self._browser: BrowserServer | None = None
        self._page = "home"
        """The last that was asked for: a window that can't be had takes it along."""
        self._addresses: dict[str, str] = {}
        """Module -> its page, for the same reason."""
        self._windows = windows(self._on_broken)

    def show_dashboard(self, page: str) -> None:
        """Open or raise the dashboard on *page*.

        Raises:
            AiServerError: it can't be shown.
        """
        self._page = page
        if self._browser:
            open_url(self._browser.invitation(page))
        else:
            self._windows.show_dashboard(page)

    def open_module(self, module: Json) -> None:
        """Open or raise the own page of *module* (as in a snapshot).

        Raises:
            AiServerError: it can't be shown.
        """
        name, address = module["name"], module["open"]
        self._addresses[name] = address
        if self._browser:
            open_url(address)
        else:
            self._windows.open_module(name, module["title"], address)

    def close(self) -> None:
        """Close all windows, and serve no browser any more."""
        self._windows.close()
        with self._lock:
            browser = self._browser
        if browser:
            browser.close()

    def _on_broken(self, breakdown: Breakdown) -> None:
        """Where no window can be had at all, the web browser takes over, and shows what this one
        was to show."""
        self._tell(breakdown.why)
        if breakdown.has_engine:
            return
        try:
            if browser := self._begin():
                open_url(self._address(breakdown.module, browser))
        except AiServerError as error:
            self._tell(error.text)

    def _begin(self) -> "BrowserServer | None":
        with self._lock:
            if self._browser is None:
                self._browser = self._serve()
            return self._browser

    def _address(self, module: str | None, browser: "BrowserServer") -> str:
        return browser.invitation(self._page) if module is None else self._addresses[module]
