"""The dashboard's process: ``python -m aiserver_tray.window.dashboard --home DIR``."""

import argparse
import json
import threading
from collections.abc import Sequence
from functools import partial
from typing import Final, NoReturn
from urllib.parse import urlsplit

from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Language
from aiserver_tray.base.strings import HOME
from aiserver_tray.carriers.http.httpd import Server
from aiserver_tray.carriers.http.page import Page
from aiserver_tray.features.events import every_event
from aiserver_tray.protocol.message import Envelope
from aiserver_tray.system.language import system_language
from aiserver_tray.system.logfile import set_up
from aiserver_tray.system.paths import Home, find_home
from aiserver_tray.window import toolkit
from aiserver_tray.window.bridge import Bridge, Dialog
from aiserver_tray.window.geometry import MINIMUM_SIZE
from aiserver_tray.window.owner_connection import OwnerConnection, client
from aiserver_tray.window.publisher import Publisher
from aiserver_tray.window.shell import NO_API, Shell, Window, browser_engine

TITLE: Final = "AI-Server Tray"


class Dashboard:
    """The window, and the connection of its page to the owner of the core."""

    def __init__(self, home: Home, language: Language, page: str) -> None:
        self._webview = browser_engine()
        self._shell = Shell(home.folder / "window.json")
        self._address = _serve(Page())
        self._connection = OwnerConnection(partial(client, home), every_event(), language)
        self._publisher = Publisher(self._run_js)
        self._bridge = Bridge(self._connection, self._publisher, page=page, pick=self._pick)
        self._window: Window = None
        self._changing = threading.Lock()

    def run(self) -> NoReturn:
        """Show the window until it is closed, and exit."""
        self._connection.start(self._bridge)
        self._open()
        self._publisher.start()
        self._shell.obey(self._show)
        self._shell.run(self._webview, private_mode=True)

    def _open(self, **place: int) -> None:
        window = self._webview.create_window(
            TITLE,
            self._address,
            js_api=NO_API,
            min_size=MINIMUM_SIZE,
            zoomable=True,  # by WebView2's own means, see `toolkit.zoom_by_wheel`
            text_select=True,  # else pywebview adds a style, which the page's policy refuses
            background_color=self._shell.background,
            **place,
        )

        def invoke(*arguments: object) -> Envelope:
            if self._is_ours(window):
                return self._bridge.invoke(*arguments)
            return self._bridge.refusal()

        window.expose(invoke)
        window.events.shown += lambda: toolkit.zoom_by_wheel(window)
        window.events.shown += lambda: toolkit.load_again(window)
        window.events.loaded += lambda: self._is_ours(window)
        # Windows' browser engine does not report to its page that the window is minimized
        # (https://github.com/MicrosoftEdge/WebView2Feedback/issues/4879).
        window.events.minimized += self._publisher.pause
        window.events.restored += self._publisher.resume
        window.events.maximized += self._publisher.resume
        self._shell.adopt(window)
        self._window = window

    def _is_ours(self, window: Window) -> bool:
        """Whether *window* shows our page. If it has navigated away, a new window replaces it:
        pywebview can't prevent navigation."""
        with self._changing:
            if window is not self._window:
                return False
            if toolkit.current_url(window).startswith(self._address):
                return True
            if window not in self._webview.windows:  # the window is closing
                return False
            self._publisher.end()
            self._bridge.goto(HOME)
            self._shell.replace(self._open)
            return False

    def _show(self, page: str) -> None:
        if page:
            self._bridge.goto(page)

    def _pick(self, dialog: Dialog, name: str) -> str | None:
        kind = self._webview.FileDialog[dialog.upper()]
        home = str(user_home())
        picked = self._window.create_file_dialog(kind, directory=home, save_filename=name)
        # macOS answers with the path of a file to save, and else all systems with a list of one.
        return str(picked if isinstance(picked, str) else picked[0]) if picked else None

    def _run_js(self, script: str) -> None:
        # A page can't forge its origin: other pages that the window shows receive nothing.
        address = urlsplit(self._address)
        origin = json.dumps(f"{address.scheme}://{address.netloc}")
        self._window.run_js(f"if (location.origin === {origin}) {script}")


def _serve(page: Page) -> str:
    """The address of *page*, valid until this process exits."""
    server = Server(("127.0.0.1", 0))
    server.start(page.app)
    return f"http://127.0.0.1:{server.server_port}{page.path}"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point; the exit status is one of `protocol.Exit`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home")
    parser.add_argument("--language", choices=["en", "zh"], default=system_language())
    parser.add_argument("--page", default=HOME)
    given = parser.parse_args(arguments)
    home = find_home(given.home)
    set_up(home, "dashboard")
    Dashboard(home, given.language, given.page).run()


if __name__ == "__main__":
    main()
