"""Common parts of all processes that show a window: it appears at its last place, follows its tray,
exits with it, and leaves nothing behind. Its page gets no more from pywebview than it needs."""

import logging
import os
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Final, Never, NoReturn

from aiserver_tray.base.errors import SettingError
from aiserver_tray.carriers.http.page import ui_folder
from aiserver_tray.system import desktop, process
from aiserver_tray.system.desktop import Theme, app_theme, icon_file, is_web_address
from aiserver_tray.system.paths import APP_NAME, make_folder
from aiserver_tray.window import toolkit
from aiserver_tray.window.geometry import fitted, remember, remembered
from aiserver_tray.window.protocol import SHOW, SHOWN, Exit

Window = toolkit.Window

CLOSE_TIMEOUT_SECONDS: Final = 3.0
"""Seconds for a window to close on request; then the process exits anyway."""

BACKGROUNDS: Final[Mapping[Theme, str]] = {"light": "#f5f6f9", "dark": "#11141b"}
"""The page's own background colours, from ``ui/css/tokens.css``."""

log = logging.getLogger(__name__)


def browser_engine() -> ModuleType:
    """pywebview; exits if it is missing, or the browser engine that it would load."""
    process.claim_app_id()
    if desktop.is_missing():
        no_browser(desktop.NAME)
    try:
        import webview  # noqa: PLC0415 - the error must say what is missing
    except ImportError as error:
        no_browser(error)
    guard_browser()
    return webview


def no_browser(why: object) -> NoReturn:
    """Exit, because no window can be shown."""
    sys.stderr.write(f"{why}\n")
    sys.stderr.flush()
    os._exit(Exit.NO_BROWSER)


class Shell:
    """The window of a process. ``place``: the file with its last place."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._geometry = remembered(place)
        self._theme = app_theme()
        self._window: Window = None
        self._closing = threading.Event()

    @property
    def background(self) -> str:
        """The colour that a window has until its page comes: that of our pages, so that nothing
        flashes."""
        return BACKGROUNDS[self._theme]

    def adopt(self, window: Window) -> None:
        """Use *window*, just created, as the window of this process."""

        def watch() -> None:
            toolkit.on_crash(window, lambda: self.end(Exit.CRASHED))
            toolkit.zoom_by_keys(window)

        self._window = window
        window.events.initialized += self._put_in_place
        window.events.before_show += lambda: toolkit.on_no_engine(window, no_browser)
        window.events.closing += lambda: self._may_close(window)
        window.events.shown += watch
        if window.events.shown.is_set():
            watch()

    def replace(self, make: Callable[..., None]) -> None:
        """Replace the current window. *make* receives pywebview's arguments for the place, and
        creates the new window. Must not run in the toolkit's own thread."""
        old = self._window
        self._measure(old)
        make(**self._placement(old))
        old.destroy()

    def obey(self, on_show: Callable[[str], None]) -> None:
        """Follow the tray's commands, and exit with the tray, in a thread that ends with the
        process. *on_show* receives the requested page, if there is one."""
        threading.Thread(target=self._listen, args=(on_show,), name="parent", daemon=True).start()

    def run(self, webview: ModuleType, **options: object) -> NoReturn:
        """Show the window until it is closed, and exit. Must run in the main thread."""
        try:
            webview.start(icon=str(icon_file(ui_folder())), **options)
        except webview.WebViewException as error:
            no_browser(error)
        self.end()

    def end(self, status: Exit = Exit.CLOSED) -> NoReturn:
        """Exit at once: threads of pywebview may wait for ever for a closed window."""
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def _put_in_place(self) -> None:
        """Called when the toolkit is there and the window is not."""
        if not toolkit.is_fit(self._window):
            no_browser(desktop.NAME)
        toolkit.name_program(self._window, APP_NAME)
        if self._theme == "dark":
            toolkit.prefer_dark(self._window)
        toolkit.place(self._window, self._placement(self._window))

    def _placement(self, window: Window) -> dict[str, int | bool]:
        geometry = fitted(self._geometry, toolkit.screens(window))
        x, y = toolkit.origin(window)
        return asdict(replace(geometry, x=geometry.x - x, y=geometry.y - y))

    def _may_close(self, window: Window) -> bool:
        """Called in the toolkit's own thread. If that thread can't read the window's place, another
        thread does, and then closes the window. On Windows, a refusal would also prevent the user
        from logging out."""
        if window is not self._window or self._closing.is_set():
            return True
        self._closing.set()
        if toolkit.answers_at_once(window):
            self._measure(window)
            threading.Timer(CLOSE_TIMEOUT_SECONDS, self.end).start()
            return True
        threading.Thread(target=self._leave, name="closing", daemon=True).start()
        return False

    def _leave(self) -> None:
        self._closing.set()
        try:
            if self._window.events.shown.wait(CLOSE_TIMEOUT_SECONDS):
                self._measure(self._window)
                self._window.destroy()
                time.sleep(CLOSE_TIMEOUT_SECONDS)
        finally:
            self.end()

    def _measure(self, window: Window) -> None:
        """Save the place of *window*. A maximized window keeps its earlier place; a minimized one
        has none."""
        if toolkit.is_minimized(window):
            return
        if toolkit.is_maximized(window):
            placed = self._geometry or fitted(None, toolkit.screens(window))
            self._geometry = replace(placed, maximized=True)
        else:
            self._geometry = toolkit.placement(window)
        try:
            make_folder(self._place.parent)
            remember(self._place, self._geometry)
        except (OSError, SettingError) as error:
            log.warning("the window's place can't be kept: %s", error)

    def _listen(self, on_show: Callable[[str], None]) -> None:
        for line in sys.stdin:
            word, _, page = line.strip().partition(" ")
            if word != SHOW:
                continue
            if not self._closing.is_set():
                on_show(page)
                self._window.events.shown.wait()
                toolkit.bring_to_front(self._window)
                sys.stdout.write(f"{SHOWN}\n")
                sys.stdout.flush()
        if not self._closing.is_set():
            self._leave()


class _Nothing:
    """Has no attributes at all, not even those of every object."""

    def __getattribute__(self, name: str) -> Never:
        raise AttributeError(name)


NO_API: Final = _Nothing()
"""The ``js_api`` of every window. pywebview (6.2) looks up calls of a page in it, along any dotted
path. Its default, None, would lead to every class."""


class _OnlyWeb(webbrowser.BaseBrowser):
    """Registered before the real browsers, it discards everything that is not a web address."""

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - webbrowser's signature
        return not is_web_address(url)


def guard_browser() -> None:
    """Open links to a new window, which pywebview passes to `webbrowser`, only if they are web
    addresses: others might start a program."""
    webbrowser.register("only-web", None, _OnlyWeb(), preferred=True)
