"""The event of the predecessor."""

from typing import TypedDict

from aiserver_tray.protocol.message import Event, Json


class ModuleStatusEvent(TypedDict):
    """The state of a module."""

    name: str
    status: Json
    """the envelope of `ai/module/status`"""


STATUS = Event(
    "ai/module/statusEvent",
    ModuleStatusEvent,
    "The state of a module has changed.",
    key=lambda payload: payload["name"],
)
