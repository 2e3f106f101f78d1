"""What operations work with, and whether it is ready for them."""

from collections.abc import Callable
from dataclasses import dataclass

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.operations.kernel import Kernel
from aiserver_tray.operations.modules import Modules
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store

_ENGINE_TIMEOUT_SECONDS = 10.0
"""How long an engine that answers may take to tell of all its containers."""


@dataclass(frozen=True)
class Parts:
    """What operations work with. ``refresh`` lets the store's watcher look for the engine now."""

    engine: Engine
    store: Store
    settings: Settings
    modules: Modules
    refresh: Callable[[], None]
    kernel: Kernel


def meet_engine(parts: Parts) -> None:
    """Let the store know an engine that is back: its watcher may sleep between two attempts.

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
