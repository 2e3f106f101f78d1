"""The events of the state and of its operations."""

from typing import TypedDict

from aiserver_tray.protocol.message import Event
from aiserver_tray.state.views import OperationView, Snapshot


class OperationProgress(TypedDict):
    """An operation with its steps."""

    operation: OperationView


SNAPSHOT = Event("ai/snapshot/event", Snapshot, "The state has changed.", key=lambda _: "")
PROGRESS = Event(
    "ai/operation/progress",
    OperationProgress,
    "An operation began, progressed or ended.",
    key=lambda payload: payload["operation"]["id"],
)
