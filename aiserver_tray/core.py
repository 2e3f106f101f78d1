"""The running heart of the application: engine, state and operations, wired together."""

from types import TracebackType
from typing import Self

from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.watcher import Watcher
from aiserver_tray.operations.modules import Modules
from aiserver_tray.operations.prepare import Parts
from aiserver_tray.operations.service import Operations
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import DesiredChanged, ModulesChanged
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store


class Core:
    """Engine, state and operations of one installation, alive between ``with`` and its end.

    When it is entered, the engine's containers are known, or that it can't be reached.
    """

    def __init__(self, settings: Settings, modules: Modules, host: str | None) -> None:
        self.engine = Engine(host)
        self.store = Store()
        self.operations = Operations(Parts(self.engine, self.store, settings, modules))
        self._settings = settings
        self._modules = modules
        self._watcher = Watcher(self.engine, self.store, settings.installation_id)
        self._desired_of: str | None = None

    def __enter__(self) -> Self:
        self.store.observe(self._on_state)
        self._watcher.start()
        self.store.wait_until(lambda s: s.engine.running or s.engine.error is not None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watcher.close()
        self.store.close()
        self.engine.close()

    def publish_modules(self) -> None:
        """Tell the state of every module there is."""
        models = tuple(self._modules.model(name) for name in self._modules.names)
        self.store.put(ModulesChanged(models))

    def _on_state(self, state: State) -> None:
        """What the user asked for is remembered by engine, so it is known once the engine is."""
        engine_id = state.engine.id
        if state.engine.running and engine_id and engine_id != self._desired_of:
            self._desired_of = engine_id
            desired = self._settings.engine(engine_id).desired
            self.store.put(DesiredChanged(frozenset(desired)))
