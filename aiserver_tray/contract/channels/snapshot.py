"""The channel that gets the state."""

from aiserver_tray.contract.channel import channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.core import Core
from aiserver_tray.state.encode import by_title
from aiserver_tray.state.views import Snapshot


class SnapshotChannels(Part):
    """``ai/snapshot/get``."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @channel("ai/snapshot/get")
    def _get(self, caller: Caller) -> Snapshot:
        """Get the state of everything."""
        return by_title(self._core.store.snapshot, caller.language)
