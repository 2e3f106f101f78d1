"""The parts that operations work with, and whether the engine is ready for them."""

from collections.abc import Callable
from dataclasses import dataclass

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.operations.kernel import Kernel
from aiserver_tray.operations.modules import Modules
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store

_ENGINE_TIMEOUT_SECONDS = 10.0
"""Seconds within which an engine that responds must have listed its containers."""


@dataclass(frozen=True)
class Parts:
    """The parts that operations work with."""

    engine: Engine
    store: Store
    settings: Settings
    modules: Modules
    refresh: Callable[[], None]
    """Makes the watcher contact the engine at once."""
    kernel: Kernel
    before_removal: Callable[[str], object] = lambda _container: None
    """Called with the ID of a container that has exited, before it is removed."""


def meet_engine(parts: Parts) -> None:
    """Make sure that the store knows an engine that is back: its watcher may wait between two
    attempts.

    Raises:
        AiServerError: it is not back.
    """
    if parts.store.state.engine.running:
        return
    parts.engine.ping()
    parts.refresh()
    try:
        parts.store.wait_until(lambda snapshot: snapshot.engine.running, _ENGINE_TIMEOUT_SECONDS)
    except TimeoutError:
        error = parts.store.state.engine.error
        raise error or EngineDownError(parts.engine.host, "no answer") from None
