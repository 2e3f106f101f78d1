"""The tray process, wired together: icon, windows, and the core, wherever that is hosted."""

import logging
import sys
import time
from contextlib import ExitStack
from threading import Lock, Thread, Timer
from typing import TYPE_CHECKING, Literal

from aiserver_tray.app import App
from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, AlreadyRunningError, NotRunningError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import Caller, Contract, Json
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.local.instance import Instance
from aiserver_tray.model import EngineView, Snapshot
from aiserver_tray.system import logfile
from aiserver_tray.system.foreground import give_foreground
from aiserver_tray.system.language import system_language
from aiserver_tray.system.memory import share_heap
from aiserver_tray.system.resume import ResumeWatch
from aiserver_tray.system.signals import on_termination
from aiserver_tray.system.theme import taskbar_theme
from aiserver_tray.tray.actions import Action, Quit
from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.menu import TrayFacts
from aiserver_tray.tray.menu_actions import MenuActions
from aiserver_tray.tray.page_opener import PageOpener
from aiserver_tray.tray.place import PlaceCallbacks, PlaceWatch, Starter
from aiserver_tray.tray.view import NAME, tray_view
from aiserver_tray.window.launcher import Windows

if TYPE_CHECKING:
    from aiserver_tray.contract.http.server import BrowserServer
    from aiserver_tray.contract.owner.link import Link

_ANSWER_SECONDS = 0.2
"""Seconds for the answer to who asked for the end."""

_HANDOVER_TIMEOUT_SECONDS = 10.0
"""Seconds in which a tray that begins or ends is waited for."""

_RETRY_SECONDS = 0.1
"""Seconds between two looks at it."""

_logger = logging.getLogger(__name__)


def run(app: App, starter: Starter = "user") -> None:
    """Show the icon until somebody quits; where the tray of this home runs already, show its
    dashboard instead, or, at login, nothing. *starter* also decides what is done where the icon has
    no place.

    Raises:
        NoDesktopError: there is nothing to show an icon on.
        AlreadyRunningError: the tray that runs does not answer.
        AiServerError: the home can't be used.
    """
    until = time.monotonic() + _HANDOVER_TIMEOUT_SECONDS
    while True:
        try:
            _run_or_show(app, starter)
            return
        except AlreadyRunningError:
            if time.monotonic() > until:
                raise
            time.sleep(_RETRY_SECONDS)


def _run_or_show(app: App, starter: Starter) -> None:
    """As `run`.

    Raises:
        AlreadyRunningError: the tray that runs does not answer; it may only begin, or end.
    """
    try:
        with Instance(app.settings.home, "tray"):
            share_heap()
            logfile.set_up(app.settings.home, "tray")
            Tray(app, starter).run()
    except AlreadyRunningError as running:
        if starter == "login":
            return
        try:
            show_dashboard(app, "home")
        except NotRunningError:
            raise running from None


def show_dashboard(app: App, page: str) -> None:
    """Have the tray that runs show its dashboard.

    Raises:
        NotRunningError: there is none.
        RemoteError: it can't.
    """
    with Client.connect(app.settings.home, "tray", language=app.language) as client:
        give_foreground()
        client.request("ai/window/show", {"page": page})


class Tray:
    """The icon's loop, and `api.surroundings.Surroundings` for who asks something of the tray."""

    kind: Literal["tray"] = "tray"

    def __init__(self, app: App, starter: Starter) -> None:
        # Raises NoDesktopError before anything has begun.
        from aiserver_tray.tray.icon import TrayIcon  # noqa: PLC0415

        self._app = app
        self._starter = starter
        self._caller = Caller(system_language(), lambda _event, _payload: None)
        unknown = Snapshot(EngineView(running=False), "stopped", ())
        view = tray_view(unknown, TrayFacts(), app.language)
        # In the home, so that the next one finds what a killed one left.
        pictures = app.settings.home.folder / "icon"
        self._icon = TrayIcon(self._on_action, view, taskbar_theme(), pictures)
        self._page_opener = PageOpener(
            lambda on_failure: Windows(app.settings.folder, lambda: app.language, on_failure),
            self._serve,
            self._tell,
        )
        self._lock = Lock()
        self._front: Contract | None = None
        self._icon_updater: IconUpdater | None = None
        self._menu_actions: MenuActions | None = None
        self._early: list[Action] = []

    def run(self) -> None:
        """Show the icon, and let the core follow. Blocks until `quit`."""
        on_termination(self.quit)
        with ExitStack() as stack:
            starter = Thread(target=self._start, args=(stack,), name="starter", daemon=True)
            starter.start()
            try:
                self._icon.run()
            finally:
                starter.join()
                self._page_opener.close()

    def _start(self, stack: ExitStack) -> None:
        """The core takes longer to import than the icon to appear."""
        from aiserver_tray.contract.channels.front import Front  # noqa: PLC0415
        from aiserver_tray.contract.local.server import Server  # noqa: PLC0415
        from aiserver_tray.contract.owner.link import Link  # noqa: PLC0415

        try:
            self._watch_place(stack)
            link = Link(self._app, lambda core: Front(self._app, core, self))
            link.start()
            stack.callback(link.close)
            front = self._front = Front(self._app, link, self)
            watch = ResumeWatch(lambda: self._resumed(link))
            icon_updater = IconUpdater(self._app, front, self._icon, self._caller, watch)
            self._icon_updater = icon_updater
            icon_updater.start()
            stack.callback(icon_updater.close)
            self._run_actions(MenuActions(front, self._caller, icon_updater.ended, self._refuse))
            watch.start()
            stack.callback(watch.close)
            server = Server(self._app.settings.home, "tray", front)
            server.start()
            stack.callback(server.close)
        except AiServerError as error:
            _logger.error("the tray can't work: %s", error)
            self._tell(error.text)
        except Exception as bug:  # noqa: BLE001 - the icon is there, and says so
            log_bug(_logger, "the tray can't work", bug)
            self._tell(bug_error(bug).text)

    def _run_actions(self, menu_actions: MenuActions) -> None:
        """What was chosen in the menu before there was anybody to do it is done now."""
        with self._lock:
            self._menu_actions = menu_actions
            early = self._early
        for action in early:
            menu_actions.do(action)

    def _watch_place(self, stack: ExitStack) -> None:
        remarks = PlaceCallbacks(self._miss, self._find, self._show_home)
        watch = PlaceWatch(self._starter, self._icon.why_hidden, remarks)
        watch.start()
        stack.callback(watch.close)

    def _resumed(self, link: "Link") -> None:
        if self._icon_updater:
            self._icon_updater.resume()
        link.look()
        self._icon.set_theme(taskbar_theme())

    # -- surroundings ---------------------------------------------------------------------------

    def show_dashboard(self, page: str) -> None:
        """Open or raise the dashboard; in the web browser where windows can't be had."""
        self._page_opener.show_dashboard(page)

    def open_module(self, module: Json) -> None:
        """Open or raise the module's own page."""
        self._page_opener.open_module(module)

    def refresh_autostart(self) -> None:
        """Show whether the applet starts at login, as it is now."""
        if self._icon_updater:
            self._icon_updater.update()

    def quit(self) -> None:
        """End, soon."""
        Timer(_ANSWER_SECONDS, self._icon.stop).start()

    # -- what comes from icon and windows -------------------------------------------------------

    def _on_action(self, action: Action) -> None:
        with self._lock:
            menu_actions = self._menu_actions
            if menu_actions is None and action != Quit():
                self._early.append(action)
        if menu_actions:
            menu_actions.do(action)
        elif action == Quit():
            self.quit()

    def _serve(self) -> "BrowserServer | None":
        """Serve the dashboard to the web browser."""
        if self._front is None:
            return None
        from aiserver_tray.contract.http.server import Binding, BrowserServer  # noqa: PLC0415 - seldom

        return BrowserServer(self._front, Binding(), self._caller.language)

    def _miss(self, why: Text) -> None:
        """The icon is nowhere to be seen."""
        told = why.render(self._app.language)
        _logger.warning("%s", why)
        sys.stderr.write(f"{told}\n")
        self._icon.remark(NAME, told)

    def _find(self) -> None:
        _logger.info("the icon has its place now")
        self._icon.withdraw()

    def _show_home(self) -> None:
        try:
            self.show_dashboard("home")
        except AiServerError as error:
            self._tell(error.text)

    def _tell(self, why: Text) -> None:
        self._icon.notify(NAME, why.render(self._app.language))

    def _refuse(self, title: Text, message: str) -> None:
        self._icon.notify(title.render(self._app.language), message)
