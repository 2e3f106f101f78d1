"""Catalog and settings as their files are now."""

import logging
from threading import Event, Lock, Thread

from aiserver_tray.app import App
from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import SettingError
from aiserver_tray.core.core import Core
from aiserver_tray.state.facts import TextsChanged

_INTERVAL = 2.0
"""Seconds between two looks; one takes a millisecond."""

_PATIENCE = 1.0
"""Seconds for a look that is under way at the end: it may be at a network's drive."""

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
        """Tell the state what there is, and look after it from now on.

        Raises:
            SettingError: the settings can't be read.
        """
        self._renew()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)

    def take_up(self) -> None:
        """Read again what was changed, and tell the state. Operations of this process that are
        under way end with the catalog that they began with. Settings that can't be read stay as
        they were until their file changes again: who needs them is told."""
        try:
            self._renew()
        except SettingError as error:
            _logger.warning("%s", error)

    def _renew(self) -> None:
        with self._lock:
            is_new = not self._is_at_work() and self._app.renew_catalog()
            stamp = self._app.settings.stamp
            if is_new or stamp != self._told:
                self._told = stamp
                self._core.publish_modules()
                self._core.store.put(TextsChanged())
                self._core.store.flush()

    def _is_at_work(self) -> bool:
        operations = self._core.store.state.operations
        return any(not view.is_over and not view.is_foreign for view in operations)

    def _watch(self) -> None:
        is_logged = False
        while not self._closing.wait(_INTERVAL):
            try:
                self.take_up()
                is_logged = False
            except OSError:
                pass  # who asks for something is told
            except Exception as bug:  # noqa: BLE001 - the next look may do better
                if not is_logged:
                    log_bug(_logger, "what was changed in files was not taken up", bug)
                is_logged = True
