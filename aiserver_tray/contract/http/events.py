"""Server-sent events for one page."""

from collections.abc import Iterator
from threading import Event
from typing import Final

from aiserver_tray.base.codec import compact_json
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import Contract, Peer
from aiserver_tray.contract.mailbox import Mailbox
from aiserver_tray.contract.message import Message, owner_events

_HEARTBEAT_SECONDS: Final = 15.0
"""Seconds of silence until a comment is sent, which shows both sides that the other one is still
connected."""


class EventStream:
    """One page's events. ``peer``: the page, for the contract."""

    def __init__(self, contract: Contract, language: Language) -> None:
        self._contract = contract
        self._closed = Event()
        self._mailbox = Mailbox(self._closed.set)
        self.peer = Peer("browser", language, self._send, waiting=self._mailbox.waiting)

    @property
    def is_closed(self) -> bool:
        """Whether it is closed or being closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """Close it, from any thread."""
        self._closed.set()
        self._mailbox.close()

    def lines(self) -> Iterator[bytes]:
        """The events, until `close`, or until the page is gone."""
        self._contract.subscribe(self.peer, owner_events())
        try:
            while not self.is_closed:
                frames = self._mailbox.take(_HEARTBEAT_SECONDS)
                if frames is None:
                    return
                yield b"".join(frames) or b":\n\n"
        finally:
            self.close()
            self._contract.forget(self.peer)

    def _send(self, message: Message) -> None:
        frame = b"data: [%s,%s]\n\n" % (compact_json(message.event), message.payload)
        self._mailbox.put(frame, message.slot)
