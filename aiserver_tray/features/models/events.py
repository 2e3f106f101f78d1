"""The events of models."""

from typing import Final, Literal, TypedDict

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


class PullJson(TypedDict):
    """A model that is being downloaded."""

    model: str
    phase: Literal["asking", "downloading", "copying", "checking", "loading"]
    """asking: its hub; copying: a file of this computer; checking: its hash; loading: the server
    learns of it"""
    done: int
    """bytes that are there"""
    total: int
    """bytes; 0: not known yet"""
    rate: int
    """bytes each second, in the last seconds"""
    secondsLeft: int | None
    """`null`: not known"""
    resumed: bool
    """it goes on where an earlier download stopped"""


class OwnModelsEvent(TypedDict):
    """Downloads of models for the module `local-models`; `ai/models/own/list` has the models."""

    pulls: list[PullJson]
    changes: int
    """a number that is another one after a model was added or removed"""


MODELS: Final = Event(
    "ai/models/event",
    ModelsEvent,
    "A model server was added, removed, or found on or off.",
    key=lambda _: "",
)
ANSWER: Final = Event(
    "ai/models/answer", ModelAnswer, "A model goes on with its answer to this client."
)
OWN_MODELS: Final = Event(
    "ai/models/own/event",
    OwnModelsEvent,
    "A download of a model goes on, or models of our own have changed.",
    key=lambda _: "",
)
