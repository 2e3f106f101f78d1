"""Which running modules have containers from other settings than the current ones."""

import logging
from collections.abc import Callable, Iterator
from threading import Event, Thread

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.model import Container
from aiserver_tray.operations.modules import Modules
from aiserver_tray.state.facts import OutdatedChanged
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_PAUSE_SECONDS = 0.2
"""Seconds between two comparisons: while modules start, the state changes all the time."""

_CLOSE_TIMEOUT_SECONDS = 1.0

_logger = logging.getLogger(__name__)

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
        """Begin to compare."""
        self._leave = self._store.observe(lambda _state: self._changed.set())
        self._thread.start()

    def close(self) -> None:
        """Stop."""
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
