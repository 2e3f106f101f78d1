"""A module's page in its own window: ``python -m aiserver_tray.window.module_page``. The page
belongs to the module, so its bridge leads to nothing. Its data, such as logins, is stored in a
separate folder."""

import argparse
import json
import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import Json, Message
from aiserver_tray.system.desktop import is_web_address
from aiserver_tray.system.language import system_language
from aiserver_tray.system.logfile import set_up
from aiserver_tray.system.paths import Home, find_home, make_folder
from aiserver_tray.window import toolkit, waiting
from aiserver_tray.window.geometry import MINIMUM_SIZE
from aiserver_tray.window.owner_connection import OwnerConnection, client
from aiserver_tray.window.shell import NO_API, Shell, Window, browser_engine

POLL_SECONDS: Final = 0.5
"""Seconds between two looks whether the module answers, while that is in question."""

_KEYS: Final = """
((home) => addEventListener("keydown", (event) => {
  const key = (event.altKey ? "Alt+" : "") + (event.ctrlKey ? "Ctrl+" : "") + event.key;
  const act = {
    "Alt+ArrowLeft": () => history.back(),
    "Alt+ArrowRight": () => history.forward(),
    "Alt+Home": () => location.assign(home),
    "Ctrl+r": () => location.reload(),
    "F5": () => location.reload(),
  }[key];
  if (act) {
    event.preventDefault();
    act();
  }
}))
"""
"""Shortcuts of every browser, which browser engines in windows leave to the page."""

log = logging.getLogger(__name__)


class ModulePage:
    """The window of the module *name*, whose page is at *url* until the owner reports another
    address."""

    def __init__(self, home: Home, language: Language, name: str, title: str, url: str) -> None:
        self._webview = browser_engine()
        folder = home.folder / "pages"
        self._storage = folder / name
        self._shell = Shell(folder / f"{name}.json")
        self._connection = OwnerConnection(partial(client, home), [SNAPSHOT.name], language)
        self._name, self._title, self._url = name, title, url
        self._page_url = url
        """The address of the current page."""
        self._subject = ""
        """The title of the module's page."""
        self._shown = title
        """The title of the window."""
        self._latest: bytes | None = None
        """The snapshot that came last; none: there is no owner of the core."""
        self._snapshot: Json | None = None
        """The one that is shown."""
        self._window: Window = None
        self._waiting = threading.Event()
        self._news = threading.Event()

    def run(self) -> NoReturn:
        """Show the window until it is closed, and exit."""
        make_folder(self._storage)
        self._webview.settings["ALLOW_DOWNLOADS"] = True
        self._window = self._webview.create_window(
            self._title,
            html=self._waiting_page(),
            js_api=NO_API,
            min_size=MINIMUM_SIZE,
            background_color=self._shell.background,
            text_select=True,
            zoomable=True,
        )
        self._window.events.loaded += self._on_loaded
        self._window.events.shown += lambda: toolkit.on_title(self._window, self._on_title)
        self._window.events.shown += lambda: toolkit.offer_home_for_downloads(self._window)
        self._window.events.shown += lambda: toolkit.open_new_windows_outside(self._window)
        self._shell.adopt(self._window)
        # It keeps its language: that of the start, whether or not the owner answers at once.
        menu = [self._menu()]
        self._connection.start(self)
        self._shell.obey(lambda _page: None)
        self._waiting.set()
        threading.Thread(target=self._follow, name="following", daemon=True).start()
        self._shell.run(
            self._webview, private_mode=False, storage_path=str(self._storage), menu=menu
        )

    def heard(self, message: Message) -> None:
        """The state changed."""
        self._latest = message.payload
        self._news.set()

    def lost(self) -> None:
        """The owner of the core is gone."""
        self._latest = None
        self._news.set()

    def _follow(self) -> None:
        """Show the module's page while the module runs, and a waiting page while it does not."""
        while True:
            self._news.clear()
            self._take_latest()
            self._news.wait(self._check())

    def _take_latest(self) -> None:
        latest = self._latest
        self._snapshot = json.loads(latest) if latest else None
        if module := waiting.module_of(self._snapshot, self._name):
            self._title, self._url = module["title"] or self._title, module["open"] or self._url

    def _check(self) -> float | None:
        """The seconds until the next check; news may trigger it earlier."""
        try:
            self._update_title()
            check = self._try_page if self._waiting.is_set() else self._check_page
            return check(self._snapshot)
        except Exception:  # for example the browser engine's; the next check may succeed
            log.exception("the window can't follow its module")
            return POLL_SECONDS

    def _try_page(self, snapshot: Json | None) -> float | None:
        """Load the module's page as soon as it responds."""
        is_worth_it = waiting.may_answer(snapshot, self._name)
        url = self._url
        if is_worth_it and waiting.answers(url):
            self._page_url = url
            self._waiting.clear()
            self._window.load_url(url)
            return None
        why = waiting.reason(snapshot, self._name)
        self._window.run_js(waiting.script(self._title, why, self._connection.language))
        return POLL_SECONDS if is_worth_it else None

    def _check_page(self, snapshot: Json | None) -> float | None:
        """Show the waiting page once the module is gone, because its own page would be dead. If the
        module moves to another address, its page stays until that address responds."""
        is_to_move = snapshot is not None and self._url != self._page_url
        if not is_to_move and not waiting.is_doubtful(snapshot, self._name):
            return None
        has_moved = is_to_move and waiting.answers(self._url)
        is_over = has_moved or waiting.is_gone(snapshot, self._name)
        if is_over or not waiting.answers(self._page_url):
            self._show_waiting_page()
        return POLL_SECONDS if is_to_move or not waiting.may_answer(snapshot, self._name) else None

    def _show_waiting_page(self) -> None:
        self._window.load_html(self._waiting_page(), "about:blank")
        self._waiting.set()
        self._news.set()

    def _waiting_page(self) -> str:
        why = waiting.reason(self._snapshot, self._name)
        return waiting.page(self._title, why, self._connection.language)

    def _on_loaded(self) -> None:
        if self._waiting.is_set():
            # The browser engine may replace our page with its own page about a failed load.
            if not self._window.run_js(waiting.IS_SHOWN):
                self._window.load_html(self._waiting_page(), "about:blank")
            return
        shown = toolkit.current_url(self._window)
        if is_page := is_web_address(shown):
            self._window.run_js(f"{_KEYS.strip()}({json.dumps(self._page_url)})")
        # An address outside the web is the browser engine's own page about a failed load.
        is_its = not is_page or _origin(shown) == _origin(self._page_url)
        if is_its and not waiting.answers(self._page_url):
            self._show_waiting_page()

    def _on_title(self, subject: str) -> None:
        self._subject = subject
        self._update_title()

    def _update_title(self) -> None:
        """Set the window's title to the module and the title of its page."""
        subject = self._subject
        is_enough = self._waiting.is_set() or not subject or self._title in subject
        shown = self._title if is_enough else f"{subject} – {self._title}"
        if shown != self._shown:
            self._shown = shown
            self._window.set_title(shown)

    def _menu(self) -> Any:  # noqa: ANN401 - webview.menu.Menu
        from webview.menu import Menu, MenuAction  # noqa: PLC0415 - takes time

        def script(code: str) -> Callable[[], object]:
            return lambda: self._window.run_js(code)

        # No brackets: pywebview uses these texts as names of actions, and GLib would end the
        # process.
        entries = (
            (Text("Back – Alt+←"), script("history.back()")),
            (Text("Forward – Alt+→"), script("history.forward()")),
            (Text("Reload – F5"), script("location.reload()")),
            (Text("Start page – Alt+Home"), self._home),
        )
        language = self._connection.language
        title = Text("Page").render(language)
        return Menu(title, [MenuAction(text.render(language), act) for text, act in entries])

    def _home(self) -> None:
        if self._waiting.is_set():
            return
        if waiting.answers(self._page_url):
            self._window.load_url(self._page_url)
        else:
            self._show_waiting_page()


def _origin(url: str) -> tuple[str, str]:
    address = urlsplit(url)
    return address.scheme, address.netloc


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point; the exit status is one of `protocol.Exit`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home")
    parser.add_argument("--language", choices=["en", "zh"], default=system_language())
    for name in ("--module", "--title", "--url"):
        parser.add_argument(name, required=True)
    given = parser.parse_args(arguments)
    home = find_home(given.home)
    set_up(home, f"page-{given.module}")
    ModulePage(home, given.language, given.module, given.title, given.url).run()


if __name__ == "__main__":
    main()
