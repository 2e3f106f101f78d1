"""The only path of events to clients, over any transport."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Final, TypeVar

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channels.predecessor import status_of
from aiserver_tray.contract.contract import Peer, answer
from aiserver_tray.contract.events import PROGRESS, SNAPSHOT, STATUS
from aiserver_tray.contract.message import Message
from aiserver_tray.state.encode import SnapshotEncoder
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import ModuleView, OperationView, Snapshot

BATCH_SECONDS: Final = 0.1
"""Between two states that are sent. Only the latest counts."""

_logger = logging.getLogger(__name__)


@dataclass
class _Subscription:
    """The subscriptions of a client, and the last data sent to it."""

    events: frozenset[str]
    snapshot: bytes = b""
    operations: Mapping[str, Message] = field(default_factory=dict)
    modules: Mapping[str, Message] | None = None


class Hub:
    """Sends events to all clients that subscribed to them. *language_for* returns the language of
    the texts for a client that reads its argument."""

    def __init__(self, store: Store, language_for: Callable[[Language], Language]) -> None:
        self._store = store
        self._language_for = language_for
        self._subscriptions: dict[Peer, _Subscription] = {}
        self._encoders: dict[Language, _Encoder] = {}
        self._lock = Lock()
        self._changed = Event()
        self._closing = Event()
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="hub", daemon=True)

    def start(self) -> None:
        """Begin to send states."""
        self._leave = self._store.observe(lambda _state: self._changed.set())
        self._thread.start()

    def close(self) -> None:
        """Send the last state, and no more."""
        self._leave()
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before."""
        with self._lock:
            subscription = _Subscription(frozenset(events))
            self._subscriptions[peer] = subscription
            _send(peer, self._news(peer, subscription))

    def forget(self, peer: Peer) -> None:
        """The client is gone."""
        with self._lock:
            self._subscriptions.pop(peer, None)

    def publish(self, message: Message) -> None:
        """Send *message* to all clients that subscribed to its event."""
        with self._lock:
            for peer, subscription in self._subscriptions.items():
                if message.event in subscription.events:
                    _send(peer, [message])

    # -- the state ------------------------------------------------------------------------------

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._changed.wait()
            is_last = self._closing.is_set()
            self._changed.clear()
            with self._lock:
                for peer, subscription in self._subscriptions.items():
                    _send(peer, self._news(peer, subscription))
            self._closing.wait(BATCH_SECONDS)

    def _news(self, peer: Peer, sent: _Subscription) -> Iterator[Message]:
        """The new data for a client. The steps of an operation come before the snapshot that
        contains it."""
        state = self._store.state
        language = self._language_for(peer.language)
        encoder = self._encoders.setdefault(language, _Encoder(language))
        if PROGRESS.name in sent.events:
            operations, sent.operations = sent.operations, encoder.operations(state.operations)
            yield from _changed(operations, sent.operations)
        if SNAPSHOT.name in sent.events:
            content = encoder.snapshot(state.snapshot)
            if content is not sent.snapshot:
                sent.snapshot = content
                yield Message(SNAPSHOT.name, content, key="")
        if STATUS.name in sent.events:
            modules, sent.modules = sent.modules, encoder.modules(state.snapshot.modules)
            # The first state is a snapshot's.
            if modules is not None:
                yield from _changed(modules, sent.modules)


def _send(peer: Peer, messages: Iterable[Message]) -> None:
    try:
        for message in messages:
            peer.send(message)
    except Exception as bug:  # noqa: BLE001 - the other clients still get theirs
        log_bug(_logger, "an event was not sent to a client", bug)


def _changed(old: Mapping[str, Message], new: Mapping[str, Message]) -> Iterator[Message]:
    return (message for name, message in new.items() if message is not old.get(name))


_View = TypeVar("_View")

_Known = dict[str, tuple[_View, Message]]
"""Name or id -> what was encoded last, and the result."""


class _Encoder:
    """Encodes states in one language, once for all clients. What did not change is the same
    object as before."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._encoder = SnapshotEncoder(language)
        self._snapshot: tuple[Snapshot | None, bytes] = (None, b"")
        self._operations: _Known[OperationView] = {}
        self._modules: _Known[ModuleView] = {}

    def snapshot(self, snapshot: Snapshot) -> bytes:
        """The JSON of *snapshot*."""
        known, content = self._snapshot
        if known is not snapshot:
            new = self._encoder.snapshot(snapshot)
            self._snapshot = snapshot, content if new == content else new
        return self._snapshot[1]

    def operations(self, views: Iterable[OperationView]) -> Mapping[str, Message]:
        """The progress of *views*, by id."""
        by_id = {view.id: view for view in views}
        self._operations = _updated(self._operations, by_id, self._progress)
        return {id: message for id, (_, message) in self._operations.items()}

    def modules(self, views: Iterable[ModuleView]) -> Mapping[str, Message]:
        """The state of *views*, by name."""
        by_name = {view.name: view for view in views}
        self._modules = _updated(self._modules, by_name, self._status)
        return {name: message for name, (_, message) in self._modules.items()}

    def _progress(self, view: OperationView) -> Message:
        return PROGRESS.message({"operation": view}, self._language)

    def _status(self, view: ModuleView) -> Message:
        status = answer(dict(status_of(view, self._language)))
        return STATUS.message({"name": view.name, "status": status})


def _updated(
    known: _Known[_View], views: Mapping[str, _View], encode: Callable[[_View], Message]
) -> _Known[_View]:
    """*views* with their messages; those that are *known* are encoded no more."""
    new: _Known[_View] = {}
    for name, view in views.items():
        old = known.get(name)
        new[name] = old if old and old[0] == view else (view, encode(view))
    return new
