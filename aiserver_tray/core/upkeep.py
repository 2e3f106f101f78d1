"""What the core does without a request: start the desired modules, find outdated containers, read
changed files."""

import logging
from collections.abc import Callable, Collection, Iterator
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Literal

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, SettingError
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.model import Container
from aiserver_tray.operations.modules import Modules
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import EngineNamed, OutdatedChanged, TextsChanged, ThemeChanged
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT_SECONDS = 1.0


class Reviver:
    """Runs `up` for the desired modules each time the engine comes back: restart policies may have
    started containers in the wrong order, or without the modules that they require. At the
    application's own start, it does so only if the setting allows it. Before, *recover* ends what
    was interrupted."""

    def __init__(
        self,
        settings: Settings,
        names: Callable[[], Collection[str]],
        core: Core,
        begin: Callable[[Request], object],
        recover: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings = settings
        self._names = names
        self._core = core
        self._begin = begin
        self._recover = recover
        self._was_running = False
        self._arrivals: SimpleQueue[Literal["arrived", "end"]] = SimpleQueue()
        self._thread = Thread(target=self._run, name="reviver", daemon=True)

    def start(self) -> None:
        """Begin to wait for the engine."""
        self._core.store.observe(self._on_state)
        self._thread.start()

    def close(self) -> None:
        self._arrivals.put("end")
        self._thread.join()

    def _on_state(self, state: State) -> None:
        if state.engine.running and not self._was_running:
            self._arrivals.put("arrived")
        self._was_running = state.engine.running

    def _run(self) -> None:
        for number, _ in enumerate(iter(self._arrivals.get, "end")):
            try:
                self._recover()
                if number > 0 or self._settings.app.start_desired:
                    self._revive()
            except AiServerError as error:
                _logger.warning("the desired modules can't start: %s", error)

    def _revive(self) -> None:
        engine = self._core.store.snapshot.engine
        # The operation determines the modules under its locks, because the user may stop some
        # before.
        if engine.id and {*self._names()} & {*self._settings.engines.desired(engine.id)}:
            self._begin(Revival())


_PAUSE_SECONDS = 0.2
"""Seconds between two comparisons: while modules start, the state changes all the time."""

Hashes = dict[str, str]
"""Container -> hash of its configuration."""


class OutdatedModules:
    """Compares the running containers of *store* with the current targets of *modules*, in its own
    thread, and reports the modules that differ. *version* changes with catalog and settings."""

    def __init__(self, store: Store, modules: Modules, version: Callable[[], object]) -> None:
        self._store = store
        self._modules = modules
        self._version = version
        self._targets: tuple[object, dict[str, Hashes]] = (None, {})
        self._changed = Event()
        self._closing = Event()
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="outdated", daemon=True)

    def start(self) -> None:
        self._leave = self._store.observe(lambda _state: self._changed.set())
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._leave()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while self._changed.wait() and not self._closing.wait(_PAUSE_SECONDS):
            self._changed.clear()
            try:
                self._store.put(OutdatedChanged(frozenset(self._outdated(self._store.state))))
            except Exception as bug:  # noqa: BLE001 - the next state may be fine
                log_bug(_logger, "comparing containers with settings failed", bug)

    def _outdated(self, state: State) -> Iterator[str]:
        version = self._version()
        if version != self._targets[0]:
            self._targets = (version, {})
        running: dict[str, list[Container]] = {}
        for container in state.containers.values():
            if container.status in ALIVE:
                running.setdefault(container.module, []).append(container)
        for module, containers in running.items():
            wanted = self._hashes(module)
            if any(wanted.get(c.name, c.config_hash) != c.config_hash for c in containers):
                yield module

    def _hashes(self, module: str) -> Hashes:
        """The hashes of the services of *module* as its target is now. Jobs run only when they are
        due, so they don't count. Empty if it can't start."""
        known = self._targets[1]
        if module not in known:
            try:
                services = self._modules.preview(module).services
                known[module] = {s.container: s.config_hash for s in services if not s.is_job}
            except AiServerError as error:
                _logger.debug("%s can't be compared: %s", module, error)
                known[module] = {}
        return known[module]


_POLL_SECONDS = 2.0
"""Seconds between two checks; one takes a millisecond."""


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
            self._app.settings.engines.catch_up()
            operations = self._core.store.state.operations
            is_at_work = any(not view.is_over and not view.is_foreign for view in operations)
            is_new = not is_at_work and self._app.refresh_catalog()
            stamp = self._app.settings.stamp
            if is_new or stamp != self._published:
                self._published = stamp
                self._core.publish_modules()
                self._core.store.put(ThemeChanged(self._app.settings.app.theme))
                self._core.store.put(EngineNamed(self._app.engine_name))
                self._core.store.put(TextsChanged())
                self._core.store.flush()

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
