"""The event of the journal, and words for its entries."""

from collections.abc import Mapping
from typing import Literal, TypedDict

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import ActorKind
from aiserver_tray.protocol.message import Event


class ActivityAdded(TypedDict):
    """An entry of the journal."""

    id: str
    """the entry, for `ai/activity/list`"""


ACTIVITY = Event(
    "ai/activity/added",
    ActivityAdded,
    "An entry of the journal is new, or has changed.",
    key=lambda payload: payload["id"],
)

ActivityStatus = Literal["running", "succeeded", "failed", "cancelled", "interrupted"]
"""interrupted: its process ended before the operation did."""

ACTORS: Mapping[ActorKind, Text] = {
    "tray": Text("tray"),
    "window": Text("window"),
    "browser": Text("browser"),
    "command": Text("command"),
    "owner": Text("automatic"),
}

STATUSES: Mapping[ActivityStatus, Text] = {
    "running": Text("running"),
    "succeeded": Text("succeeded"),
    "failed": Text("failed"),
    "cancelled": Text("cancelled"),
    "interrupted": Text("interrupted"),
}
