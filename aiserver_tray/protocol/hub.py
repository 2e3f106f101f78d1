"""The only path of events to clients: who subscribed to what, and the queue to each client."""

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Condition, Lock
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.protocol.message import Message, Peer

_logger = logging.getLogger(__name__)

Source = Callable[[Peer, Collection[str]], Iterable[Message]]
"""Returns the messages with the current state for a client that subscribed to some events. Each has
a key, and is the same object as the last time if its subject did not change."""


@dataclass
class _Subscription:
    """The subscriptions of a client, and the last messages with states for it, by subject."""

    events: frozenset[str]
    known: Mapping[tuple[str, str] | None, Message] = field(default_factory=dict)


class Hub:
    """Sends events to all clients that subscribed to them."""

    def __init__(self) -> None:
        self._subscriptions: dict[Peer, _Subscription] = {}
        self._sources: list[Source] = []
        self._quiet: list[Source] = []
        """Those of the sources whose first state is not sent."""
        self._lock = Lock()

    def add_state(self, source: Source) -> None:
        """Send the state of *source* to each client that subscribes, and at each `update` what is
        new in it; after the states that were added before."""
        with self._lock:
            self._sources.append(source)

    def add_changes(self, source: Source) -> None:
        """As `add_state`, but send a client only what changes after it has subscribed."""
        with self._lock:
            self._sources.append(source)
            self._quiet.append(source)

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before."""
        with self._lock:
            subscription = _Subscription(frozenset(events))
            self._subscriptions[peer] = subscription
            with _logged():
                subscription.known = _by_subject(_current(self._quiet, peer, subscription))
                self._send_news(peer, subscription)

    def forget(self, peer: Peer) -> None:
        with self._lock:
            self._subscriptions.pop(peer, None)

    def publish(self, message: Message) -> None:
        """Send *message* to all clients that subscribed to its event."""
        with self._lock:
            for peer, subscription in self._subscriptions.items():
                if message.event in subscription.events:
                    with _logged():
                        peer.send(message)

    def update(self) -> None:
        """Send all clients what is new in the states."""
        with self._lock:
            for peer, subscription in self._subscriptions.items():
                with _logged():
                    self._send_news(peer, subscription)

    def _send_news(self, peer: Peer, subscription: _Subscription) -> None:
        current = _current(self._sources, peer, subscription)
        known, subscription.known = subscription.known, _by_subject(current)
        for message in current:
            if message is not known.get(message.slot):
                peer.send(message)


def _current(
    sources: Iterable[Source], peer: Peer, subscription: _Subscription
) -> Sequence[Message]:
    return [message for source in sources for message in source(peer, subscription.events)]


def _by_subject(messages: Iterable[Message]) -> Mapping[tuple[str, str] | None, Message]:
    return {message.slot: message for message in messages}


@contextmanager
def _logged() -> Iterator[None]:
    """Log a bug: the other clients still get their events."""
    try:
        yield
    except Exception as bug:  # noqa: BLE001
        log_bug(_logger, "an event was not sent to a client", bug)


MAX_BYTES: Final = 16 * 2**20
"""Maximum bytes that may wait for a client."""


class Mailbox:
    """Frames for one client, in order. Of frames with the same key only the latest is kept.
    *on_overflow* is called when too much waits; the mailbox is then closed."""

    def __init__(self, on_overflow: Callable[[], None]) -> None:
        self._on_overflow = on_overflow
        self._changed = Condition()
        self._frames: dict[Hashable, bytes] = {}
        self._numbers = count()
        self._size = 0
        self._is_closed = False

    def put(self, frame: bytes, key: Hashable = None) -> None:
        """Add *frame*. Returns at once."""
        with self._changed:
            if self._is_closed:
                return
            key = next(self._numbers) if key is None else key
            # Removed first, so that the latest frame is also sent last.
            self._size += len(frame) - len(self._frames.pop(key, b""))
            self._frames[key] = frame
            is_full = self._size > MAX_BYTES
            if is_full:
                self._is_closed = True
                self._frames.clear()
            self._changed.notify()
        if is_full:
            self._on_overflow()

    def waiting(self) -> int:
        """The bytes that wait."""
        return self._size

    def take(self, timeout: float | None = None) -> list[bytes] | None:
        """All that waits; blocks until there is something. Nothing after *timeout* seconds; None:
        the mailbox was closed, and is empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_closed, timeout)
            frames = list(self._frames.values())
            self._frames.clear()
            self._size = 0
            return None if self._is_closed and not frames else frames

    def close(self) -> None:
        """Take no more frames; those that wait are still to be sent."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
