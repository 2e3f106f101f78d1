"""Listening to what a client is sent, and waiting for it."""

import json
import threading
from collections.abc import Callable
from queue import SimpleQueue

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.protocol.message import Json, Message
from tests.support.limits import LIMIT


class Heard:
    """Listens for events."""

    def __init__(self, client: Client, *events: str) -> None:
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self.is_lost = threading.Event()
        client.subscribe(events, self._messages.put, self.is_lost.set)

    def message(self) -> Message:
        return self._messages.get(timeout=LIMIT)

    def next(self) -> tuple[str, Json]:
        message = self.message()
        return message.event, json.loads(message.payload)

    def until(self, is_it: Callable[[Json], bool]) -> list[Json]:
        """The payloads up to the one that *is_it*."""
        payloads: list[Json] = []
        while not payloads or not is_it(payloads[-1]):
            payloads.append(self.next()[1])
        return payloads
