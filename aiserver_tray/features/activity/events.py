"""The event of the journal."""

from typing import TypedDict

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
