"""The event of terminals."""

from typing import Literal, TypedDict

from aiserver_tray.protocol.message import Event

TerminalEndReason = Literal["exited", "service_stopped", "engine_lost"]
"""exited: the shell has exited, by itself or because the terminal was closed; service_stopped: its
container has stopped; engine_lost: the engine does not answer."""


class TerminalEnd(TypedDict):
    """The end of a terminal."""

    reason: TerminalEndReason
    left: list[int]
    """processes that could not be ended: their ids in the container"""


class TerminalOutput(TypedDict):
    """What a terminal shows next."""

    terminal: str
    """the terminal's id"""
    number: int
    """of this event, from 1 on; the next one has the next number"""
    text: str
    """with the control sequences of a VT100 and its successors; at most 16384 characters"""
    end: TerminalEnd | None
    """nothing follows, if it is not `null`"""


TERMINAL = Event(
    "ai/terminal/output", TerminalOutput, "New output of a terminal of this client, or its end."
)
