"""Opening the dashboard and the modules' pages: in windows, or in the default web browser if
windows are not available."""

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.desktop import open_url
from aiserver_tray.window.launcher import WindowFailure, Windows

if TYPE_CHECKING:
    from aiserver_tray.carriers.http.server import BrowserServer

_RETRY_SECONDS: Final = 60.0
"""A window that crashes again within these seconds is replaced by the web browser."""

_Failure = Literal["no browser engine", "crashed again", "crashed"]
"""How a window failed."""


class PageOpener:
    """Opens pages. *windows* creates the windows, with a callback for failures. *serve* starts to
    serve the dashboard to the web browser, and returns None if that is not possible yet.
    *show_error* shows an error to the user. *now* replaces the clock."""

    def __init__(
        self,
        windows: Callable[[Callable[[WindowFailure], None]], Windows],
        serve: Callable[[], "BrowserServer | None"],
        show_error: Callable[[Text], None],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._serve = serve
        self._show_error = show_error
        self._now = now
        self._lock = Lock()
        self._browser: BrowserServer | None = None
        self._page = "home"
        """The last requested page: a failed window's replacement shows it."""
        self._addresses: dict[str, str] = {}
        """Module -> its page, for the same reason."""
        self._failed_at: dict[str | None, float] = {}
        """Module, or None for the dashboard -> when its window failed last."""
        self._windows = windows(self._on_failure)

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

    def open_module(self, name: str, title: str, address: str) -> None:
        """Open or raise the own page of the module *name*.

        Raises:
            AiServerError: it can't be shown.
        """
        self._addresses[name] = address
        # A window can't ask what to do about a certificate that this computer does not trust.
        if self._browser or address.startswith("https:"):
            open_url(address)
        else:
            self._windows.open_module(name, title, address)

    def renew_browser(self) -> None:
        """Serve the dashboard from the core that there is now, if it was served before."""
        with self._lock:
            before, self._browser = self._browser, None
        if before:
            before.close()
            self._begin()

    def close(self) -> None:
        """Close all windows, and serve no browser any more."""
        self._windows.close()
        with self._lock:
            browser = self._browser
        if browser:
            browser.close()

    def _on_failure(self, failure: WindowFailure) -> None:
        """If windows are not available, or fail repeatedly, open the page in the web browser."""
        kind = self._kind_of(failure)
        self._show_error(_message(kind, failure.reason))
        if kind == "crashed":
            return
        try:
            if browser := self._begin():
                open_url(self._address(failure.module, browser))
        except AiServerError as error:
            self._show_error(error.text)

    def _kind_of(self, failure: WindowFailure) -> _Failure:
        now, before = self._now(), self._failed_at.get(failure.module)
        self._failed_at[failure.module] = now
        if not failure.has_engine:
            return "no browser engine"
        is_again = before is not None and now - before < _RETRY_SECONDS
        return "crashed again" if is_again else "crashed"

    def _begin(self) -> "BrowserServer | None":
        with self._lock:
            if self._browser is None:
                self._browser = self._serve()
            return self._browser

    def _address(self, module: str | None, browser: "BrowserServer") -> str:
        return browser.invitation(self._page) if module is None else self._addresses[module]


def _message(kind: _Failure, reason: str) -> Text:
    if kind == "no browser engine":
        return Text(
            "AI-Server Tray can't open windows: there is no browser engine ({reason}). Your web "
            "browser is used instead.",
            reason=reason,
        )
    if kind == "crashed again":
        return Text(
            "The window crashed again ({reason}). Your web browser is used instead until you "
            "restart AI-Server Tray.",
            reason=reason,
        )
    return Text(
        "The window crashed ({reason}). Open it again. If it crashes again within a minute, your "
        "web browser is used instead.",
        reason=reason,
    )
