"""Places for features, where there is nothing around an installation and its core."""

from typing import cast

from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.place import Place, Process
from aiserver_tray.protocol.message import Contract
from tests.support.surroundings import NoWindows


def place(app: App, core: Core | None = None, process: Process | None = None) -> Place:
    """A place without carriers and watched files, and by default without windows. Without *core*,
    a feature that needs one fails."""
    return Place(
        app,
        open_core=lambda: _given(core),
        process=process or NoWindows(),
        contract=cast("Contract", None),
        refresh=lambda: None,
    )


def _given(core: Core | None) -> Core:
    assert core
    return core
