"""Starting the desired modules when the application or the engine has started."""

import logging
from collections.abc import Callable, Collection
from queue import SimpleQueue
from threading import Thread
from typing import Literal

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.core.core import Core
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.reduce import State

_logger = logging.getLogger(__name__)


class Reviver:
    """Runs `up` for the desired modules each time the engine comes back: restart policies may have
    started containers in the wrong order, or without the modules that they require. At the
    application's own start, it does so only if the setting allows it."""

    def __init__(
        self,
        settings: Settings,
        names: Callable[[], Collection[str]],
        core: Core,
        begin: Callable[[Request], object],
    ) -> None:
        self._settings = settings
        self._names = names
        self._core = core
        self._begin = begin
        self._was_running = False
        self._arrivals: SimpleQueue[Literal["arrived", "end"]] = SimpleQueue()
        self._thread = Thread(target=self._run, name="reviver", daemon=True)

    def start(self) -> None:
        """Begin to wait for the engine."""
        self._core.store.observe(self._on_state)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._arrivals.put("end")
        self._thread.join()

    def _on_state(self, state: State) -> None:
        if state.engine.running and not self._was_running:
            self._arrivals.put("arrived")
        self._was_running = state.engine.running

    def _run(self) -> None:
        for number, _ in enumerate(iter(self._arrivals.get, "end")):
            try:
                if number > 0 or self._is_wanted_at_launch():
                    self._revive()
            except AiServerError as error:
                _logger.warning("the desired modules can't start: %s", error)

    def _is_wanted_at_launch(self) -> bool:
        return self._settings.app.start_desired

    def _revive(self) -> None:
        engine = self._core.store.snapshot.engine
        if not engine.id:
            return
        known = set(self._names())
        # The operation determines the modules under its locks, because the user may stop some
        # before.
        if not known.isdisjoint(self._settings.engines.desired(engine.id)):
            self._begin(Revival())
