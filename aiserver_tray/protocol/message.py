"""Messages between the owner of the core and its clients, and the contract that they keep, over
each of the carriers: a client asks through channels and gets events (``docs/ipc.md``). Clients are
processes that have to start fast: nothing here needs the validation of requests."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Generic, Literal, Protocol, Self, TypeVar

from aiserver_tray.base.codec import compact_json, from_json, to_json
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.model import Actor, Carrier

Json = dict[str, Any]

CallerKind = Literal["window", "browser", "command", "tray"]
"""window, browser: the page of the dashboard there; command: the command line, or a second start of
the applet; tray: icon and menu."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way to a client. ``payload`` is JSON. Of messages with the same event and
    ``key`` only the latest counts; without a key each counts, and their order."""

    event: str
    payload: bytes
    key: str | None = None

    @property
    def slot(self) -> tuple[str, str] | None:
        """Selects the subject of an event, of which only the latest event counts."""
        return None if self.key is None else (self.event, self.key)


_Payload = TypeVar("_Payload")

Source = Literal["owner", "window"]
"""The sender of an event: the owner of the core, or the window for its own page."""

EVENTS: Final[dict[str, "Event[Any]"]] = {}
"""Every event there is, by name. Filled by the declarations, when their modules are imported."""


@dataclass(frozen=True, eq=False)
class Event(Generic[_Payload]):
    """A message that clients receive without a request. ``payload``: its class (`base.codec`);
    ``key``: its subject in JSON, if only the latest event about it counts (see `Message`);
    ``source``: the sender."""

    name: str
    payload: type[_Payload]
    summary: str
    _: KW_ONLY
    key: Callable[[Json], str] | None = None
    source: Source = "owner"

    def __post_init__(self) -> None:
        EVENTS[self.name] = self

    def message(self, payload: _Payload, language: Language = "en") -> Message:
        """The event with *payload*, with texts in *language*."""
        return self.of_json(to_json(payload, language, self.payload))

    def of_json(self, payload: Json) -> Message:
        """The event with *payload*, which is JSON."""
        return Message(self.name, compact_json(payload), self.key(payload) if self.key else None)


def owner_events() -> tuple[str, ...]:
    """The names of the events that clients of the owner can subscribe to."""
    return tuple(event.name for event in EVENTS.values() if event.source == "owner")


VERSION: Final = 2
"""Version of the contract; a client with another version is rejected."""

Envelope = Json
"""An answer: ``{"success": bool, "code": str | null, "message": str, "data": {...}}``."""


@dataclass(frozen=True, eq=False)
class Peer:
    """One connected client. ``language``: the language of its reader unless the user chose one;
    ``send`` sends it an event, and returns at once; ``pid``: its process, if that is known;
    ``waiting``: how many bytes wait in its connection, because it reads too slowly; ``is_local``:
    it is on this computer, and reached us over no network."""

    kind: CallerKind
    language: Language
    send: Callable[[Message], None]
    pid: int | None = None
    waiting: Callable[[], int] = lambda: 0
    is_local: bool = True


@dataclass(frozen=True)
class Caller:
    """The sender of a request. ``language``: of the texts in the response."""

    peer: Peer
    language: Language

    @property
    def kind(self) -> CallerKind:
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


class AnyClient(ABC):
    """The client's side of the contract, for every carrier. Several threads can use it."""

    @abstractmethod
    def call(
        self, channel: str, payload: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Envelope:
        """The answer of *channel* to *payload*."""

    def request(
        self, channel: str, payload: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Json:
        """Like `call`, but returns the data of the response.

        Raises:
            AiServerError: it is a no; a `RemoteError`, or several of them.
        """
        return data_of(self.call(channel, payload, timeout))

    @abstractmethod
    def subscribe(
        self,
        events: Iterable[str],
        callback: Callable[[Message], None],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Call *callback* with each of *events*, from the current state on, and *on_lost* when the
        other side is gone. Both must return at once, and can't send requests."""

    @abstractmethod
    def close(self) -> None:
        """End the connection. Can be called more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def answer(data: Json) -> Envelope:
    """The envelope of a success."""
    return {"success": True, "code": None, "message": "", "data": data}


def refusal(error: AiServerError, language: Language) -> Envelope:
    """The envelope of a failure."""
    return {"success": False, **error.as_json(language)}


def data_of(answer: Envelope) -> Json:
    """The data of *answer*.

    Raises:
        AiServerError: it is a failure; a `RemoteError`, or several of them.
    """
    if not answer.get("success"):
        raise from_json(AiServerError, answer)
    return dict(answer["data"])
