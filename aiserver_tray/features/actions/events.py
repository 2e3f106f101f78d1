"""The event of actions."""

from typing import TypedDict

from aiserver_tray.protocol.message import Event


class ActionOutput(TypedDict):
    """What an action writes next."""

    module: str
    action: str
    """its name in the module's file"""
    text: str
    """complete lines, each with its line end, without secrets and control characters"""


ACTION_OUTPUT = Event(
    "ai/action/output", ActionOutput, "New output of an action that this client runs."
)
