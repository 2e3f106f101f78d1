"""The events that one client receives."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TypeVar

from aiserver_tray.contract.contract import SNAPSHOT_EVENT, Json
from aiserver_tray.contract.local.changes import applied

LIMIT = 60.0
"""Seconds after which an event or an answer that did not come is a failure."""

T = TypeVar("T")
Payloads = SimpleQueue[Json]


class Heard:
    """Hands events to their listeners. Snapshots are always whole ones; ``snapshot`` is the newest,
    None before the first."""

    def __init__(self) -> None:
        self.snapshot: Json | None = None
        self._lock = Lock()
        self._listeners: list[tuple[str, Payloads]] = []

    def take(self, event: str, payload: Json) -> None:
        """Add *event*. Raises `OutOfStepError` if an event before it is missing."""
        with self._lock:
            if event == SNAPSHOT_EVENT:
                if self.snapshot is None and payload["base"] is not None:
                    return  # of a snapshot from before this client began to listen
                payload = self.snapshot = applied(self.snapshot, payload)
            for name, payloads in self._listeners:
                if name == event:
                    payloads.put(payload)

    def events(self, name: str) -> Payloads:
        """The payloads of the event *name* from now on."""
        payloads: Payloads = SimpleQueue()
        with self._lock:
            self._listeners.append((name, payloads))
        return payloads


def whole(snapshot: Json) -> Json:
    """The payload of an event that brings all of *snapshot*."""
    return {"seq": snapshot["seq"], "base": None, "snapshot": snapshot}


def content(snapshot: Json | None) -> Json:
    """*snapshot* without its number: it counts changes that show nothing, too."""
    return {**(snapshot or {}), "seq": None}


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
