"""Sends the state to clients: whole snapshots, and the steps of operations."""

from collections.abc import Callable, Collection, Iterator, Sequence
from threading import Event, Thread
from typing import Final, Generic, TypeVar

from aiserver_tray.base.i18n import Language
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.protocol.hub import Hub
from aiserver_tray.protocol.message import Message, Peer
from aiserver_tray.state.encode import SnapshotEncoder
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationView, Snapshot

BATCH_SECONDS: Final = 0.1
"""Between two states that are sent. Only the latest counts."""


class Publishing:
    """Has *hub* send the state of *store* whenever it has changed, at most ten times a second.
    *language_for* returns the language of the texts for a client that reads its argument."""

    def __init__(
        self, store: Store, hub: Hub, language_for: Callable[[Language], Language]
    ) -> None:
        self._store = store
        self._hub = hub
        self._language_for = language_for
        self._encoders: dict[Language, _Encoder] = {}
        self._changed = Event()
        self._closing = Event()
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="publishing", daemon=True)
        hub.add_state(self._current)

    def start(self) -> None:
        """Begin to send what changes."""
        self._leave = self._store.observe(lambda _state: self._changed.set())
        self._thread.start()

    def close(self) -> None:
        """Send the last state, and no more."""
        self._leave()
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._changed.wait()
            is_last = self._closing.is_set()
            self._changed.clear()
            self._hub.update()
            self._closing.wait(BATCH_SECONDS)

    def _current(self, peer: Peer, events: Collection[str]) -> Iterator[Message]:
        """The steps of an operation come before the snapshot that contains it."""
        state = self._store.state
        language = self._language_for(peer.language)
        encoder = self._encoders.setdefault(language, _Encoder(language))
        if PROGRESS.name in events:
            yield from encoder.progress.of(state.operations)
        if SNAPSHOT.name in events:
            yield encoder.snapshot(state.snapshot)


class _Encoder:
    """Encodes states in one language, once for all clients."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._encoder = SnapshotEncoder(language)
        self._known: Snapshot | None = None
        self._message = Message(SNAPSHOT.name, b"", key="")
        self.progress = Messages(lambda view: view.id, self._progress)

    def snapshot(self, snapshot: Snapshot) -> Message:
        """The message with *snapshot*."""
        if snapshot is not self._known:
            content = self._encoder.snapshot(snapshot)
            if content != self._message.payload:
                self._message = Message(SNAPSHOT.name, content, key="")
            self._known = snapshot
        return self._message

    def _progress(self, view: OperationView) -> Message:
        return PROGRESS.message({"operation": view}, self._language)


_View = TypeVar("_View")


class Messages(Generic[_View]):
    """The messages about views, which *make* makes. A view that is equal to the last one of its
    *name* keeps that one's message."""

    def __init__(self, name: Callable[[_View], str], make: Callable[[_View], Message]) -> None:
        self._name = name
        self._make = make
        self._views: Sequence[_View] = ()
        self._known: dict[str, tuple[_View, Message]] = {}

    def of(self, views: Sequence[_View]) -> Sequence[Message]:
        """The messages about *views*, in their order."""
        if views is not self._views:
            known = {}
            for view in views:
                name = self._name(view)
                old = self._known.get(name)
                known[name] = old if old and old[0] == view else (view, self._make(view))
            self._views, self._known = views, known
        return [message for _, message in self._known.values()]
