"""A client of a contract in its own process: no carrier is between the two."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from aiserver_tray.base.codec import compact_json
from aiserver_tray.base.i18n import Language
from aiserver_tray.protocol.message import (
    AnyClient,
    CallerKind,
    Contract,
    Envelope,
    Message,
    Peer,
)


class _Listener(NamedTuple):
    events: frozenset[str]
    callback: Callable[[Message], None]


class Inside(AnyClient):
    """A client of *contract*. A request is handled in the thread that makes it."""

    def __init__(self, contract: Contract, kind: CallerKind, language: Language) -> None:
        self._contract = contract
        self._peer = Peer(kind, language, self._take, os.getpid())
        self._listeners: tuple[_Listener, ...] = ()

    def call(
        self,
        channel: str,
        payload: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - there is no other process that may hang
    ) -> Envelope:
        """The answer of *channel* to *payload*, which both pass through JSON, as over a carrier."""
        answer = self._contract.invoke(channel, _through_json(payload), self._peer)
        return dict(_through_json(answer))

    def subscribe(
        self,
        events: Iterable[str],
        callback: Callable[[Message], None],
        on_lost: Callable[[], None] = lambda: None,  # noqa: ARG002 - the other side can't get lost
    ) -> None:
        """Call *callback* with each of *events*, starting with the current state. It runs in the
        thread that sends the event, must return at once, and can't send requests.

        Raises:
            AiServerError: the contract has no state.
        """
        self._listeners += (_Listener(frozenset(events), callback),)
        known = sorted({event for listener in self._listeners for event in listener.events})
        self._contract.subscribe(self._peer, known)

    def close(self) -> None:
        """End what runs for this client. Can be called more than once."""
        self._contract.forget(self._peer)

    def _take(self, message: Message) -> None:
        for listener in self._listeners:
            if message.event in listener.events:
                listener.callback(message)


def _through_json(value: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(compact_json(value))
