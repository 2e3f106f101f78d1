"""The events of models."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event


class ModelsEvent(TypedDict):
    """Model servers have changed; `ai/models/list` has them."""

    off: list[str]
    """names of the servers that the stack uses and that were off when they were last needed"""
    relayed: list[str]
    """titles of the servers that modules reach through this process, until it exits"""
    broken: list[str]
    """names of the servers that are off, or gave no answer when they were last checked"""


class ModelAnswer(TypedDict):
    """The next part of a model's answer in the try-out box."""

    id: str
    """as the client chose it for the question"""
    text: str
    """at most 4000 characters"""


MODELS: Final = Event(
    "ai/models/event",
    ModelsEvent,
    "A model server was added, removed, or found on or off.",
    key=lambda _: "",
)
ANSWER: Final = Event(
    "ai/models/answer", ModelAnswer, "A model goes on with its answer to this client."
)
