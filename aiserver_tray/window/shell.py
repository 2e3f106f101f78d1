"""What every process of ours that shows a window does: it takes the place that it had the last
time, obeys its tray, ends with it, and leaves nothing behind."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

from aiserver_tray.base.errors import SettingError
from aiserver_tray.contract.http.page import ui_folder
from aiserver_tray.system.paths import APP_NAME, make_folder
from aiserver_tray.system.theme import Theme, app_theme
from aiserver_tray.system.window_icon import icon_file
from aiserver_tray.window import browser, toolkit
from aiserver_tray.window.geometry import Area, Geometry, fitted, remember, remembered
from aiserver_tray.window.protocol import SHOW, SHOWN, Exit

Window = toolkit.Window

CLOSE_TIMEOUT_SECONDS: Final = 3.0
"""Seconds for the window to go when it is told to; then the process ends all the same."""

BACKGROUNDS: Final[Mapping[Theme, str]] = {"light": "#f5f6f9", "dark": "#11141b"}
"""As in the page's own style, ``ui/css/tokens.css``."""

log = logging.getLogger(__name__)


def browser_engine() -> ModuleType:
    """pywebview; without it this process ends."""
    try:
        import webview  # noqa: PLC0415 - what it lacks is to be said
    except ImportError as error:
        no_browser(error)
    browser.guard()
    return webview


def no_browser(why: object) -> NoReturn:
    """End this process, which can show nothing."""
    sys.stderr.write(f"{why}\n")
    sys.stderr.flush()
    os._exit(Exit.NO_BROWSER)


class Shell:
    """The window that a process has. ``place``: the file that remembers where it was."""

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
        """Make *window*, just created, the one of this process."""

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
        """Put another window in the place of the one that there is; *make* takes pywebview's
        arguments for where, and makes it. Not on the toolkit's own thread."""
        old = self._window
        self._measure(old)
        make(**self._placement(old))
        old.destroy()

    def obey(self, on_show: Callable[[str], None]) -> None:
        """Do what the tray says, and end with it, in a thread that ends with the process.
        *on_show* gets the page that is asked for, if any."""
        threading.Thread(target=self._listen, args=(on_show,), name="parent", daemon=True).start()

    def run(self, webview: ModuleType, **options: object) -> NoReturn:
        """Show the window until it is closed, and end this process; on the main thread."""
        try:
            webview.start(icon=str(icon_file(ui_folder())), **options)
        except webview.WebViewException as error:
            no_browser(error)
        self.end()

    def end(self, status: Exit = Exit.CLOSED) -> NoReturn:
        """End this process, at once: threads of pywebview may wait for ever on a window that is
        gone."""
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def _put_in_place(self) -> None:
        """Called when the toolkit is there and the window is not."""
        if not toolkit.is_fit(self._window):
            no_browser("Microsoft Edge WebView2")
        toolkit.name_program(self._window, APP_NAME)
        if self._theme == "dark":
            toolkit.prefer_dark(self._window)
        for name, value in self._placement(self._window).items():
            setattr(self._window, name if name == "maximized" else f"initial_{name}", value)

    def _placement(self, window: Window) -> dict[str, int | bool]:
        geometry = fitted(self._geometry, _screens(window))
        x, y = toolkit.origin(window)
        return {
            "width": geometry.width,
            "height": geometry.height,
            "x": geometry.x - x,
            "y": geometry.y - y,
            "maximized": geometry.maximized,
        }

    def _may_close(self, window: Window) -> bool:
        """Called by the toolkit's own thread. Where that can't ask where the window is, another
        thread asks, and closes again; on Windows a no would also keep the user from logging out."""
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
        """Remember where *window* is; maximized, it keeps the place that it had before, and
        minimized it has none."""
        if toolkit.is_minimized(window):
            return
        if toolkit.is_maximized(window):
            placed = self._geometry or fitted(None, _screens(window))
            self._geometry = replace(placed, maximized=True)
        else:
            width, height = window.gui.get_size(window.uid)
            x, y = window.gui.get_position(window.uid)
            self._geometry = Geometry(x, y, width, height)
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


def _screens(window: Window) -> list[Area]:
    return [Area(s.x, s.y, s.width, s.height) for s in window.gui.get_screens()]
