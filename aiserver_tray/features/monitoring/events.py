"""The events with samples of used resources."""

from aiserver_tray.contract.message import Event
from aiserver_tray.core.stats.samples import SampleJson

STATS = Event(
    "ai/stats/sample",
    SampleJson,
    "The resources that everything uses, every 15 seconds.",
    key=lambda _: "",
)
WATCHED = Event(
    "ai/stats/watched",
    SampleJson,
    "The resources that the modules use which this client watches, every second.",
    key=lambda _: "",
)
