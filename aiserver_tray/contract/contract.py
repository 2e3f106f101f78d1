"""The contract between the owner of the core and its clients: windows, browsers, commands.

A client asks through channels and gets events (``docs/ipc.md``). Every answer is an envelope::

    {"success": bool, "code": str | null, "message": str, "data": {...}}

The same contract goes over three carriers: the control channel, the window's JS bridge, and HTTP.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.contract.message import CallerKind, Json, Message
from aiserver_tray.model import Actor, Carrier

VERSION: Final = 2
"""Version of the contract; a client with another version is rejected."""

Envelope = Json


@dataclass(frozen=True, eq=False)
class Peer:
    """One connected client. ``language``: the language of its reader unless the user chose one;
    ``send`` sends it an event, and returns at once; ``pid``: its process, if that is known;
    ``waiting``: how many bytes wait in its connection, because it reads too slowly."""

    kind: CallerKind
    language: Language
    send: Callable[[Message], None]
    pid: int | None = None
    waiting: Callable[[], int] = lambda: 0


@dataclass(frozen=True)
class Caller:
    """The sender of a request. ``language``: of the texts in the response."""

    peer: Peer
    language: Language

    @property
    def kind(self) -> CallerKind:
        """The kind of client."""
        return self.peer.kind

    @property
    def actor(self) -> Actor:
        """The client, for the journal."""
        return Actor(self.peer.kind, self.peer.pid)


class Contract(Protocol):
    """The owner's side of the contract, for every carrier."""

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before."""

    def forget(self, peer: Peer) -> None:
        """The client is gone, and with it all that it listened to."""

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """A client of *carrier* was refused, because it may not connect."""


def answer(data: Json) -> Envelope:
    """The envelope of a success."""
    return {"success": True, "code": None, "message": "", "data": data}
