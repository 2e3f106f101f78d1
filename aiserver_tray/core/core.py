"""The running heart of the application: engine, state and operations, wired together."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Self

from aiserver_tray.core.foreign import ForeignOperations
from aiserver_tray.core.watcher import Watcher
from aiserver_tray.engine.engine import Engine
from aiserver_tray.settings.quick import QuickSettings
from aiserver_tray.state.facts import ChosenChanged, ModulesChanged, PortsForwarded
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.store import Store
from aiserver_tray.system.wsl import keep_running

if TYPE_CHECKING:
    from aiserver_tray.operations.modules import Modules
    from aiserver_tray.operations.operation import Operations


class Core:
    """Engine, state and operations of one installation, available between ``with`` (or `open`) and
    `close`. On entry, the engine's containers are known, or why the engine does not respond."""

    def __init__(
        self, settings: QuickSettings, modules: "Modules", engine: Engine, installation_id: str
    ) -> None:
        self.engine = engine
        self.store = Store()
        if engine.address.needs_forwarding:  # until the owner does so
            self.store.put(PortsForwarded({}))
        self._settings = settings
        self._modules = modules
        self._foreign = ForeignOperations(self.store, settings, installation_id)
        before_end = self._foreign.refresh_begun
        self.on_answer: Callable[[str], object] = lambda _id: None
        """Called with the ID of the engine when it answers, before its containers are known; if it
        raises, the engine is not used. To be set before `open`."""
        self._watcher = Watcher(
            engine,
            self.store,
            installation_id,
            before_end=before_end,
            on_answer=self._answered,
            may_rest=self._may_rest,
        )
        self.before_removal: Callable[[str], object] = lambda _container: None
        """Called with the ID of a container that has ended, before an operation removes it. To be
        set before `operations` is used."""
        self.after_reconnect: Callable[[], object] = lambda: None
        """Called when `refresh` has reconnected to the engine."""

    def _may_rest(self) -> bool:
        """By itself, an engine in WSL stops soon after its last client."""
        return self.engine.host.startswith("wsl:") and self._settings.full.app.stop_unused_engine

    def _answered(self, engine_id: str) -> None:
        self.on_answer(engine_id)

    def open(self) -> None:
        """Start to connect to the engine, and return at once."""
        self._watcher.start()
        self._foreign.start()

    def __enter__(self) -> Self:
        """Raises ``SettingError`` if running operations can't be read."""
        with ExitStack() as failed:
            failed.callback(self.close)
            self._watcher.start()
            self._modules.read()  # while the engine answers
            found = self.store.wait_until(lambda s: s.engine.running or s.engine.error is not None)
            if found.engine.running and found.engine.id:
                self._foreign.refresh(found.engine.id)
            self._foreign.start()
            failed.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop. Running operations are not waited for. What runs goes on."""
        if any(one.status in ALIVE for one in self.store.state.containers.values()):
            keep_running(self.engine.host)
        if "operations" in vars(self):
            self.operations.close()
        self._foreign.close()
        self._watcher.close()
        self.store.close()
        self.engine.close()

    @cached_property
    def operations(self) -> "Operations":
        # Commands that only read must not wait for these imports.
        from aiserver_tray.operations.kernel import Kernel  # noqa: PLC0415
        from aiserver_tray.operations.operation import Operations  # noqa: PLC0415
        from aiserver_tray.operations.parts import Parts  # noqa: PLC0415

        settings, refresh = self._settings.full, self._watcher.refresh
        kernel, store, modules = Kernel(self.engine, settings), self.store, self._modules
        parts = Parts(self.engine, store, settings, modules, refresh, kernel, self.before_removal)
        return Operations(parts)

    def refresh(self) -> None:
        """Reconnect to the engine and inspect all of its containers now."""
        self.engine.reconnect()
        self.after_reconnect()
        self._watcher.refresh()

    def publish_modules(self) -> None:
        """Update the state with all modules and the chosen ones."""
        self.store.put(ModulesChanged(self._modules.models))
        self.store.put(ChosenChanged(self._modules.chosen))
