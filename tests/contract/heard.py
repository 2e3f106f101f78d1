"""What a client hears, whatever carries it."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TypeVar

from aiserver_tray.contract import SNAPSHOT_EVENT, Json
from aiserver_tray.control.changes import applied

LIMIT = 60.0
"""Seconds after which what was not heard is a failure."""

T = TypeVar("T")
Payloads = SimpleQueue[Json]


class Heard:
    """Deals out events to who listens, and keeps the snapshot that they tell."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: list[tuple[str, Payloads]] = []
        self._snapshot: Json | None = None

    def take(self, event: str, payload: Json) -> None:
        """*event* came. Raises `OutOfStepError` where one before it is missing."""
        with self._lock:
            if event == SNAPSHOT_EVENT:
                self._snapshot = applied(self._snapshot, payload)
            for name, payloads in self._listeners:
                if name == event:
                    payloads.put(payload)

    def listen(self, name: str) -> Payloads:
        """The payloads of the event *name* from now on; those of snapshots begin with a whole
        one."""
        payloads: Payloads = SimpleQueue()
        with self._lock:
            self._listeners.append((name, payloads))
            if name == SNAPSHOT_EVENT and self._snapshot:
                seq = self._snapshot["seq"]
                payloads.put({"seq": seq, "base": None, "snapshot": self._snapshot})
        return payloads


def first(payloads: Payloads, look: Callable[[Json], T | None]) -> T:
    """What *look* makes of the first payload of which it makes something.

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
