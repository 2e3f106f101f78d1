"""Who subscribed to what: the only path of events to clients, over any transport."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.contract.contract import Peer
from aiserver_tray.contract.message import Message

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
        """The client is gone."""
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
