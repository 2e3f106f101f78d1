"""What commands ask of the running core."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiserver_tray.errors import UnknownNameError
from aiserver_tray.model import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.core import Core


def current_snapshot(core: "Core") -> Snapshot:
    """Everything that was put into the store so far, as shown."""
    return core.store.wait_until(lambda _: True)


def whole_snapshot(core: "Core") -> Snapshot:
    """As `current_snapshot`, with every module of the catalog in it."""
    core.publish_modules()
    return current_snapshot(core)


def require_engine(core: "Core") -> Snapshot:
    """As `whole_snapshot`.

    Raises:
        EngineDownError, EngineNotInstalledError: the engine does not answer.
    """
    snapshot = whole_snapshot(core)
    if snapshot.engine.error and not snapshot.engine.running:
        raise snapshot.engine.error
    return snapshot


def check_modules(snapshot: Snapshot, names: Iterable[str]) -> None:
    """Make sure that there are modules of these *names*.

    Raises:
        UnknownNameError: there is no such module; tells near names.
    """
    known = [module.name for module in snapshot.modules]
    for name in names:
        if name not in known:
            raise UnknownNameError(name, known)
