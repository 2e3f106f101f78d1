"""The events that one client receives."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, TypeVar

from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import Event, Json
from tests.support.limits import LIMIT

T = TypeVar("T")
Payloads = SimpleQueue[Json]


class Heard:
    """Hands events to their listeners. ``snapshot`` is the newest, None before the first."""

    def __init__(self) -> None:
        self.snapshot: Json | None = None
        self._lock = Lock()
        self._listeners: list[tuple[str, Payloads]] = []

    def take(self, event: str, payload: Json) -> None:
        """Add *event*."""
        with self._lock:
            if event == SNAPSHOT.name:
                self.snapshot = payload
            for name, payloads in self._listeners:
                if name == event:
                    payloads.put(payload)

    def events(self, event: Event[Any]) -> Payloads:
        """The payloads of *event* from now on."""
        payloads: Payloads = SimpleQueue()
        with self._lock:
            self._listeners.append((event.name, payloads))
        return payloads


def first(payloads: Payloads, look: Callable[[Json], T | None]) -> T:
    """The first true result of *look* for a payload.

    Raises:
        AssertionError: there was none in time.
    """
    seen: list[Json] = []
    while True:
        try:
            payload = payloads.get(timeout=LIMIT)
        except Empty:
            raise AssertionError(seen) from None
        seen.append(payload)
        if found := look(payload):
            return found


def expect(payloads: Payloads, wanted: Json) -> None:
    """Wait for the payload *wanted*; those before it do not matter."""
    first(payloads, lambda payload: payload == wanted)
