"""The channels of assistants: they ask for a change, and a person at the tray or the window says
yes or no. Without a yes, nothing happens."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from secrets import token_hex
from threading import Event, Lock
from typing import Final, Literal, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import RefusedError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import without_controls
from aiserver_tray.base.strings import in_line
from aiserver_tray.features.mcp.events import PROPOSALS, Proposal
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller, Json, Message, Peer

_SECONDS: Final = 300.0
"""For the answer of a person."""
_MAX_WAITING: Final = 5
_MAX_NAME: Final = 24
_QUOTES: Final = str.maketrans(dict.fromkeys('“”„‟"「」『』«»'))
"""They are around the name of the program where it is shown."""

Change = Literal["start", "stop", "setting"]


class ChangeRequest(Payload):
    """A change that an assistant asks for."""

    client: str = Field(min_length=1, max_length=60)
    """the program that asks, as it calls itself"""
    kind: Change
    subject: str = Name
    """name of a module, or address of a setting that is no secret"""
    value: str | None = Field(default=None, max_length=2000)
    """of the setting; `null` resets it"""


class ChangeAnswer(Payload):
    """What a person says to a change."""

    id: str = Name
    allow: bool


class ChangeDone(TypedDict):
    """A change was allowed and begun."""

    operationId: str | None
    """of the start or stop; `null`: a setting was set"""


@dataclass
class _Waiting:
    proposal: Proposal
    peer: Peer
    over: Event = field(default_factory=Event)
    is_allowed: bool = False


def _shown(name: str) -> str:
    """The *name* that a program gives itself, so short that it hides nothing of what it asks."""
    return in_line(without_controls(name).translate(_QUOTES))[:_MAX_NAME].strip() or "?"


class McpFeature(Feature):
    """``ai/assistant/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._is_owner = False
        place.hub.add_state(self._current)

    def start(self) -> None:
        self._is_owner = True

    def _current(self, _peer: Peer, events: Collection[str]) -> Iterable[Message]:
        waiting = [one.proposal for one in tuple(self._waiting.values())]
        return [PROPOSALS.message({"waiting": waiting})] if PROPOSALS.name in events else []

    @channel("ai/assistant/propose", callers=["command"])
    def _propose(self, asked: ChangeRequest, caller: Caller) -> ChangeDone:
        """Ask the person at the tray or the window to allow a change, and make it after a yes.
        Answers then, or after five minutes with a refusal."""
        self._check(asked)
        waiting = self._ask(asked, caller.peer)
        try:
            if not waiting.over.wait(_SECONDS):
                why = Text("Nobody answered within 5 minutes. Nothing was changed.")
                raise RefusedError(why, allowed=None)
        finally:
            with self._lock:
                self._waiting.pop(waiting.proposal["id"], None)
            self._place.hub.update()
        if not waiting.is_allowed:
            raise RefusedError(Text("The user refused. Nothing was changed."), allowed=False)
        return self._change(asked, caller.peer)

    def _check(self, asked: ChangeRequest) -> None:
        """Raises for what can't be, before anybody is asked."""
        if not self._is_owner:
            raise RefusedError(
                Text(
                    "Nobody can allow this, because AI-Server Tray does not run. Start it: "
                    "aiserver-tray"
                )
            )
        app = self._place.app
        if asked.kind != "setting":
            app.catalog.module(asked.subject)
            return
        declared = app.declared_with([asked.subject]).get(asked.subject)
        if declared is None or declared.is_secret:
            why = Text("there is no setting of this name that assistants may set")
            raise SettingError(asked.subject, why)
        if asked.value and not asked.value.isprintable():  # marks of direction are not
            why = Text("assistants may only set it to text in one line, without invisible signs")
            raise SettingError(asked.subject, why)

    def _ask(self, asked: ChangeRequest, peer: Peer) -> _Waiting:
        proposal = Proposal(
            id=f"change-{token_hex(8)}",
            client=_shown(asked.client),
            kind=asked.kind,
            subject=asked.subject,
            value=asked.value,
        )
        waiting = _Waiting(proposal, peer)
        with self._lock:
            if len(self._waiting) >= _MAX_WAITING:
                why = Text("Other changes wait for an answer already. Wait for that first.")
                raise RefusedError(why)
            self._waiting[proposal["id"]] = waiting
        self._place.hub.update()
        return waiting

    @channel("ai/assistant/answer", callers=["window", "browser", "tray"])
    def _answer(self, asked: ChangeAnswer) -> None:
        """Allow a change that an assistant asked for, or refuse it. No effect if it is over."""
        with self._lock:
            if waiting := self._waiting.pop(asked.id, None):
                waiting.is_allowed = asked.allow
                waiting.over.set()

    def _change(self, asked: ChangeRequest, peer: Peer) -> ChangeDone:
        if asked.kind == "setting":
            self._invoke("ai/config/set", {"name": asked.subject, "value": asked.value}, peer)
            return {"operationId": None}
        kind = {"start": "up", "stop": "stop"}[asked.kind]
        wanted = {"kind": kind, "modules": [asked.subject]}
        begun = self._invoke("ai/operation/start", wanted, peer)
        return {"operationId": begun["operationId"]}

    def _invoke(self, name: str, payload: Json, peer: Peer) -> Json:
        answer = self._place.contract.invoke(name, payload, peer)
        if not answer["success"]:
            raise RefusedError(Text("{why}", why=answer["message"]), cause=answer["code"])
        return dict(answer["data"] or {})

    def forget(self, peer: Peer) -> None:
        """The assistant is gone: nobody needs to answer any more."""
        for waiting in tuple(self._waiting.values()):
            if waiting.peer is peer:
                waiting.over.set()

    def close(self) -> None:
        for waiting in tuple(self._waiting.values()):
            waiting.over.set()
