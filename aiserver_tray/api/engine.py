"""Channels about the engine."""

from threading import Event

from aiserver_tray.api.dispatch import Handlers
from aiserver_tray.contract import Caller, Json, Nothing
from aiserver_tray.core import Core
from aiserver_tray.errors import EngineNotInstalledError
from aiserver_tray.host import engine_start


class EngineChannels:
    """``ai/docker/…``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._closing = Event()
        self.handlers: Handlers = {
            "ai/docker/checkDocker": self._check,
            "ai/docker/startDocker": self._start,
        }

    def close(self) -> None:
        """Wait for no engine any more."""
        self._closing.set()

    def _check(self, _asked: Nothing, _caller: Caller) -> Json:
        engine = self._core.store.snapshot.engine
        return {
            "installed": not isinstance(engine.error, EngineNotInstalledError),
            "running": engine.running,
            "version": engine.version,
            "address": self._core.engine.host,
            "canStart": not engine.running and engine_start.can_start(self._core.engine.host),
        }

    def _start(self, _asked: Nothing, _caller: Caller) -> Json:
        engine_start.start_engine(self._core.engine.host, self._core.engine.ping, self._closing)
        self._core.look()
        return {}
