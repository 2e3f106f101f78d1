"""The tray process, wired together: icon, windows, and the core; and the watch for a desktop that
has no place for the icon."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from threading import Event, Lock, Thread, Timer
from typing import TYPE_CHECKING, Final, Literal

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import (
    AiServerError,
    AlreadyRunningError,
    CancelledError,
    SettingError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.model import Actor, State
from aiserver_tray.owner.claim import Claim
from aiserver_tray.protocol.message import Contract, Peer
from aiserver_tray.state.abilities import stack_abilities
from aiserver_tray.state.views import EngineView, Snapshot
from aiserver_tray.system.clock import ResumeWatch
from aiserver_tray.system.desktop import taskbar_theme
from aiserver_tray.system.language import system_language
from aiserver_tray.system.process import on_termination
from aiserver_tray.tray.actions import Action, Message, Quit
from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.menu import TrayFacts
from aiserver_tray.tray.menu_actions import MenuActions
from aiserver_tray.tray.page_opener import PageOpener
from aiserver_tray.tray.view import NAME, tray_view
from aiserver_tray.window.launcher import Windows

if TYPE_CHECKING:
    from aiserver_tray.carriers.http.access import Keys
    from aiserver_tray.carriers.http.server import BrowserServer
    from aiserver_tray.owner.owner import Owner

Starter = Literal["user", "login"]
"""Whether the user or the login started the applet."""

PANEL_TIMEOUT_SECONDS: Final[Mapping[Starter, float]] = {"user": 5.0, "login": 60.0}
"""Seconds within which the desktop's panel may still start. After login, this may be slow."""

_POLL_SECONDS = 1.0
"""Seconds between two checks while the panel may still be starting."""
_SLOW_POLL_SECONDS = 10.0
"""Seconds between two checks after the icon was reported missing."""


class PlaceWatch:
    """Checks the icon's place until the icon is visible. *why_hidden* returns the reason why it is
    not. *missing* is called with that reason if the icon stays hidden, and *found* when it appears
    later. *show* opens a window if the user started the applet."""

    def __init__(
        self,
        starter: Starter,
        why_hidden: Callable[[], Text | None],
        missing: Callable[[Text], None],
        found: Callable[[], None],
        show: Callable[[], None],
    ) -> None:
        self._starter = starter
        self._why_hidden = why_hidden
        self._missing, self._found, self._show = missing, found, show
        self._closing = Event()
        self._thread = Thread(target=self._run, name="place", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        until = time.monotonic() + PANEL_TIMEOUT_SECONDS[self._starter]
        while why := self._why_hidden():
            if time.monotonic() > until:
                self._on_missing(why)
                return
            if self._closing.wait(_POLL_SECONDS):
                return

    def _on_missing(self, why: Text) -> None:
        self._missing(why)
        if self._starter == "user":
            self._show()
        while not self._closing.wait(_SLOW_POLL_SECONDS):
            if not self._why_hidden():
                self._found()
                return


_ANSWER_SECONDS = 0.2
"""Seconds to send the response before the process exits."""

_NO_CORE_RETRY_SECONDS = 1.0
"""Seconds between two attempts to start a core."""

_SERVE_IS_BUSY = Text(
    "`aiserver-tray serve` is running an operation. This icon shows the state once that has "
    "finished. Until then, use the page of `serve`."
)

_logger = logging.getLogger(__name__)


class Tray:
    """The icon's loop, and the process that the channels see."""

    kind: Literal["tray"] = "tray"

    def __init__(self, app: App, starter: Starter, claim: Claim) -> None:
        # Raises NoDesktopError before anything has begun.
        from aiserver_tray.tray.icon import TrayIcon  # noqa: PLC0415

        self._app = app
        self._starter = starter
        self._claim = claim
        self._peer = Peer("tray", system_language(), lambda _message: None, os.getpid())
        unknown = _empty(EngineView(running=False), "stopped")
        view = tray_view(unknown, TrayFacts(), app.language)
        # In the home folder, so that the next process finds leftovers of a killed one.
        pictures = app.settings.home.folder / "icon"
        self._icon = TrayIcon(self._on_action, view, taskbar_theme(), pictures)
        self._page_opener = PageOpener(
            lambda on_failure: Windows(app.settings.folder, lambda: app.language, on_failure),
            self._serve,
            self._notify,
        )
        self._lock = Lock()
        self._contract: Contract | None = None
        self._closing = Event()
        self._core_over = Event()
        """Set to close the core; it is opened again unless the process exits."""
        self._keys: Keys | None = None
        self._icon_updater: IconUpdater | None = None
        self._menu_actions: MenuActions | None = None
        self._early: list[Action] = []

    def run(self) -> None:
        """Show the icon, and start the core in another thread. Blocks until `quit`."""
        on_termination(self.quit)
        with ExitStack() as stack:
            starter = Thread(target=self._start, args=(stack,), name="starter", daemon=True)
            starter.start()
            try:
                self._icon.run()
            finally:
                self._closing.set()
                self._core_over.set()
                starter.join()
                self._page_opener.close()

    def _start(self, stack: ExitStack) -> None:
        self._watch_place(stack)
        shown: Text | None = None
        while not self._closing.is_set():
            try:
                self._keep_core(stack)
            except CancelledError:
                return
            except AlreadyRunningError:
                _logger.info("another tray has started first")
                self._icon.stop()
                return
            except Exception as bug:  # noqa: BLE001 - the icon shows it
                error = bug if isinstance(bug, AiServerError) else bug_error(bug)
                if error.text != shown:
                    shown = error.text
                    log_bug(_logger, "the tray has no core", bug)
                    self._show_error(error)
                self._closing.wait(_NO_CORE_RETRY_SECONDS)

    def _keep_core(self, outer: ExitStack) -> None:
        """Own a core until it is to be opened again. *outer* closes that of a process that exits,
        after the windows."""
        with ExitStack() as stack:
            self._own_core(stack)
            self._page_opener.renew_browser()
            self._welcome()
            self._core_over.wait()
            if self._closing.is_set():
                outer.push(stack.pop_all())
            else:
                self._core_over.clear()
                with self._lock:
                    self._menu_actions = None

    def _own_core(self, outer: ExitStack) -> None:
        """Start the core and connect the icon to it. *outer* closes them."""
        from aiserver_tray.owner.owner import Owner  # noqa: PLC0415 - slow, and the icon appears before

        with ExitStack() as stack:
            self._claim.take_over(self._closing, lambda: self._notify(_SERVE_IS_BUSY))
            owner = stack.enter_context(Owner(self._app, self))
            self._contract = owner.api
            watch = ResumeWatch(lambda: self._resumed(owner))
            updater = self._icon_updater = IconUpdater(
                self._app, owner.core.store, owner.api, self._peer, self._icon, watch.check
            )
            updater.start()
            stack.callback(updater.close)
            owner.alerts.before_news = watch.check
            owner.alerts.observe(updater.alerted)
            actions = MenuActions(
                owner.api,
                self._peer,
                lambda request: owner.api.begin(request, Actor("tray", os.getpid())).wait,
                updater.ended,
                self._notify_of_failure,
            )
            self._run_actions(actions)
            watch.start()
            stack.callback(watch.close)
            outer.push(stack.pop_all())

    def _welcome(self) -> None:
        """Open the dashboard of a new home, which begins with the first steps."""
        with suppress(SettingError):
            if self._starter == "user" and self._app.settings.is_new:
                self._show_home()

    def _show_error(self, error: AiServerError) -> None:
        snapshot = _empty(EngineView(running=False, error=error), "engine_down")
        self._icon.show(tray_view(snapshot, TrayFacts(), self._app.language))
        self._notify(error.text)

    def _run_actions(self, menu_actions: MenuActions) -> None:
        """Run the actions that the user chose before the core was ready, and all later ones."""
        with self._lock:
            self._menu_actions = menu_actions
            early, self._early = self._early, []
        for action in early:
            menu_actions.do(action)

    def _watch_place(self, stack: ExitStack) -> None:
        callbacks = (self._on_missing, self._on_found, self._show_home)
        watch = PlaceWatch(self._starter, self._icon.why_hidden, *callbacks)
        watch.start()
        stack.callback(watch.close)

    def _resumed(self, owner: "Owner") -> None:
        if self._icon_updater:
            self._icon_updater.resume()
        owner.alerts.pause_notifications()
        owner.core.refresh()
        self._icon.set_theme(taskbar_theme())

    def show_dashboard(self, page: str) -> None:
        """Open or raise the dashboard; in the web browser if windows are not available."""
        self._page_opener.show_dashboard(page)

    def open_module(self, name: str, title: str, address: str) -> None:
        """Open or raise the module's own page."""
        self._page_opener.open_module(name, title, address)

    def refresh_autostart(self) -> None:
        """Update the menu item for start at login."""
        if self._icon_updater:
            self._icon_updater.update()

    def quit(self) -> None:
        """Exit, once the answer is sent."""
        Timer(_ANSWER_SECONDS, self._icon.stop).start()

    def restart_core(self) -> None:
        """Close the core, once the answer is sent, and open it again."""
        Timer(_ANSWER_SECONDS, self._core_over.set).start()

    def give_up_core(self) -> None:
        """Refuse.

        Raises:
            AlreadyRunningError: always.
        """
        raise AlreadyRunningError(os.getpid())

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
        if self._contract is None:
            return None
        from aiserver_tray.carriers.http.access import Keys  # noqa: PLC0415 - seldom
        from aiserver_tray.carriers.http.server import (  # noqa: PLC0415
            Binding,
            BrowserServer,
            usual_port,
        )
        from aiserver_tray.carriers.local.place import make_key  # noqa: PLC0415

        home = self._app.settings.home
        binding = Binding(usual_port=usual_port(home))
        keys = self._keys = self._keys or Keys(home=make_key(home))
        return BrowserServer(self._contract, binding, self._peer.language, keys)

    def _on_missing(self, why: Text) -> None:
        """The icon is not visible: show a hint."""
        text = why.render(self._app.language)
        _logger.warning("%s", why)
        sys.stderr.write(f"{text}\n")
        self._icon.show_hint(NAME, text)

    def _on_found(self) -> None:
        _logger.info("the icon is visible now")
        self._icon.withdraw_hint()

    def _show_home(self) -> None:
        try:
            self.show_dashboard("home")
        except AiServerError as error:
            self._notify(error.text)

    def _notify(self, why: Text) -> None:
        self._icon.notify(Message(NAME, why.render(self._app.language)))

    def _notify_of_failure(self, title: Text, message: str) -> None:
        self._icon.notify(Message(title.render(self._app.language), message))


def _empty(engine: EngineView, state: State) -> Snapshot:
    """A snapshot without modules."""
    return Snapshot(engine, state, (), abilities=stack_abilities(engine, (), (), ()))
