"""The channels of the samples of processor and memory use."""

from aiserver_tray.base.errors import refuse_unknown
from aiserver_tray.contract.channel import Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.core.core import Core
from aiserver_tray.core.stats.forms import SampleJson, StatsHistoryJson, history_json, sample_json
from aiserver_tray.core.stats.sampler import Sampler


class StatsRequest(Payload):
    """Everything, or one module."""

    module: str | None = None
    """the module, with its services; all modules without it"""


class StatsChannels(Part):
    """``ai/stats/…``."""

    def __init__(self, core: Core, sampler: Sampler) -> None:
        self._core = core
        self._sampler = sampler

    @channel("ai/stats/history")
    def _history(self, asked: StatsRequest) -> StatsHistoryJson:
        """Get how much processor and memory was used in the last 30 minutes."""
        if asked.module is not None:
            known = (module.name for module in self._core.store.snapshot.modules)
            refuse_unknown([asked.module], known)
        return history_json(self._sampler.samples, asked.module)

    @channel("ai/stats/newest")
    def _newest(self) -> SampleJson:
        """Get how much processor and memory everything uses, as of the newest sample."""
        return sample_json(self._sampler.newest)
