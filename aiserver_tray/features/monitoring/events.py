"""The events with samples of used resources."""

from aiserver_tray.features.monitoring.samples import SampleJson
from aiserver_tray.protocol.message import Event

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
