"""The events of assistants."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event


class Proposal(TypedDict):
    """A change that an assistant asks for, and that waits for a person."""

    id: str
    client: str
    """the program that asks, as it calls itself"""
    kind: str
    """`start`, `stop` or `setting`"""
    subject: str
    """name of the module, or address of the setting"""
    value: str | None
    """the new value of the setting; `null`: none is set"""


class Proposals(TypedDict):
    """All changes that wait for a person."""

    waiting: list[Proposal]
    """the oldest first"""


PROPOSALS: Final = Event(
    "ai/assistant/event",
    Proposals,
    "An assistant asks for a change, or such a question is over.",
    key=lambda _: "",
)
