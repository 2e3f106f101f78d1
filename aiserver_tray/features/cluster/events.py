"""The event of clusters."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event

FILE: Final = "clusters.json"
"""In the home: the clusters that were added, and what was deployed from here."""


class ClusterEvent(TypedDict):
    """Something of a cluster has changed; `ai/cluster/list` has it."""

    cluster: str
    """its name"""


CLUSTER: Final = Event(
    "ai/cluster/event",
    ClusterEvent,
    "A cluster was added or removed, its nodes or services have changed, or work on it has gone "
    "on.",
    key=lambda event: str(event["cluster"]),
)
