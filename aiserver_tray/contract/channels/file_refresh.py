"""Refreshing catalog and settings when their files change."""

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

from aiserver_tray.app import App
from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import SettingError
from aiserver_tray.core.core import Core
from aiserver_tray.state.facts import TextsChanged, ThemeChanged

_POLL_SECONDS = 2.0
"""Seconds between two checks; one takes a millisecond."""

_CLOSE_TIMEOUT_SECONDS = 1.0
"""Seconds that `close` waits for a running check: a network drive may be slow."""

_logger = logging.getLogger(__name__)


class FileRefresh:
    """Reads catalog and settings of *app* again when their files change, and reports it to *core*.
    It checks every few seconds, and before each request."""

    def __init__(self, app: App, core: Core) -> None:
        self._app = app
        self._core = core
        self.before_refresh: Callable[[], object] = lambda: None
        """Called before each check. To be set before `start`."""
        self._lock = Lock()
        self._published: object = None
        """The settings' stamp when the state was last updated."""
        self._closing = Event()
        self._thread = Thread(target=self._watch, name="file-refresh", daemon=True)

    def start(self) -> None:
        """Publish catalog and settings to the state, and start to watch them.

        Raises:
            SettingError: the settings can't be read.
        """
        self._refresh()
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def refresh(self) -> None:
        """Read changed files again, and update the state.

        A running operation of this process keeps the catalog that it began with. Settings that
        can't be read are logged; a request that needs them fails with that error."""
        self.before_refresh()
        try:
            self._refresh()
        except SettingError as error:
            _logger.warning("%s", error)
        except OSError as error:  # what was read before still counts
            _logger.debug("catalog or settings can't be read: %s", error)

    def _refresh(self) -> None:
        with self._lock:
            is_new = not self._is_at_work() and self._app.refresh_catalog()
            stamp = self._app.settings.stamp
            if is_new or stamp != self._published:
                self._published = stamp
                self._core.publish_modules()
                self._core.store.put(ThemeChanged(self._app.settings.app.theme))
                self._core.store.put(TextsChanged())
                self._core.store.flush()

    def _is_at_work(self) -> bool:
        operations = self._core.store.state.operations
        return any(not view.is_over and not view.is_foreign for view in operations)

    def _watch(self) -> None:
        is_logged = False
        while not self._closing.wait(_POLL_SECONDS):
            try:
                self.refresh()
                is_logged = False
            except Exception as bug:  # noqa: BLE001 - the next check may succeed
                if not is_logged:
                    log_bug(_logger, "refreshing catalog and settings failed", bug)
                is_logged = True
