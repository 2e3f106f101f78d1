"""Catalog and settings as their files are now."""

import logging
from threading import Event, Lock, Thread

from aiserver_tray.app import App
from aiserver_tray.bugs import log_bug
from aiserver_tray.core import Core
from aiserver_tray.errors import AiServerError
from aiserver_tray.state.facts import TextsChanged

_INTERVAL = 2.0
"""Seconds between two looks; one takes a millisecond."""

_logger = logging.getLogger(__name__)


class Renewal:
    """Lets *core* know what was changed in the files of *app*'s catalog and settings, by whomever.
    It is looked every few seconds, and when something is asked for."""

    def __init__(self, app: App, core: Core) -> None:
        self._app = app
        self._core = core
        self._lock = Lock()
        self._told: object = None
        """The settings' stamp when the state was last told."""
        self._closing = Event()
        self._thread = Thread(target=self._watch, name="renewal", daemon=True)

    def start(self) -> None:
        """Tell the state what there is, and look after it from now on."""
        self.take_up()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def take_up(self) -> None:
        """Read again what was changed, and tell the state. Operations of this process that are
        under way end with the catalog that they began with."""
        with self._lock:
            if not self._is_at_work() and self._app.renew_catalog():
                self._told = None
            stamp = self._app.settings.stamp
            if stamp != self._told:
                self._core.publish_modules()
                self._core.store.put(TextsChanged())
                self._core.store.flush()
                self._told = stamp

    def _is_at_work(self) -> bool:
        operations = self._core.store.state.operations
        return any(not view.is_over and not view.is_foreign for view in operations)

    def _watch(self) -> None:
        while not self._closing.wait(_INTERVAL):
            try:
                self.take_up()
            except (AiServerError, OSError):
                pass  # who asks for something is told
            except Exception as bug:  # noqa: BLE001 - the next look may do better
                log_bug(_logger, "what was changed in files was not taken up", bug)
