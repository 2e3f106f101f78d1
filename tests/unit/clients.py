"""A client of a contract in the same process, which keeps what it is sent."""

import json
from queue import Empty, SimpleQueue

from aiserver_tray.base.i18n import Language
from aiserver_tray.protocol.message import CallerKind, Json, Message, Peer
from tests.support.limits import LIMIT


class Client:
    """Keeps what it is sent."""

    def __init__(self, kind: CallerKind = "window", language: Language = "en") -> None:
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self.peer = Peer(kind, language, self._messages.put)

    def sent(self) -> list[Message]:
        """What came since the last time."""
        messages: list[Message] = []
        try:
            while True:
                messages.append(self._messages.get_nowait())
        except Empty:
            return messages

    def next(self) -> tuple[str, Json]:
        message = self._messages.get(timeout=LIMIT)
        return message.event, json.loads(message.payload)

    def until(self, event: str) -> list[tuple[str, Json]]:
        """What comes, up to the next *event*."""
        found = [self.next()]
        while found[-1][0] != event:
            found.append(self.next())
        return found
