"""What is new, for all clients together and for each of them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from threading import Lock
from typing import Literal

from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import (
    PROGRESS_EVENT,
    SNAPSHOT_EVENT,
    STATUS_EVENT,
    Caller,
    Contract,
    Json,
)
from aiserver_tray.contract.local.changes import change

_View = Literal["snapshot", "operations"]
Event = tuple[str, Json]


class Feed:
    """The state of everything as JSON, made once for all clients of a language. *on_change* is
    called after every change and must return at once."""

    def __init__(self, contract: Contract, on_change: Callable[[], None]) -> None:
        self._contract = contract
        self._on_change = on_change
        self._numbers = count(1)
        self._version = 0
        self._made: dict[tuple[_View, Language], tuple[int, Json]] = {}
        self._lock = Lock()
        self._leave: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to observe."""
        self._leave = self._contract.observe(self._changed)

    def close(self) -> None:
        """End."""
        self._leave()

    def snapshot(self, language: Language) -> Json:
        """As it is now; must not be changed."""
        return self._view(("snapshot", language), lambda: self._contract.snapshot(language))

    def operations(self, language: Language) -> Json:
        """By id, with all steps, as they are now; must not be changed."""
        return self._view(
            ("operations", language),
            lambda: {o["id"]: o for o in self._contract.operations(language)},
        )

    def _changed(self) -> None:
        self._version = next(self._numbers)
        self._on_change()

    def _view(self, key: tuple[_View, Language], make: Callable[[], Json]) -> Json:
        with self._lock:
            version = self._version
            known = self._made.get(key)
            if known is None or known[0] != version:
                known = self._made[key] = (version, make())
            return known[1]


class Subscription:
    """What one client listens to, and what it has been told of it."""

    def __init__(
        self, events: Iterable[str], feed: Feed, contract: Contract, caller: Caller
    ) -> None:
        self._events = frozenset(events)
        self._feed = feed
        self._contract = contract
        self._caller = caller
        self._snapshot: Json | None = None
        self._operations: Json = {}

    def whole(self) -> Json:
        """The snapshot as it is now; what is new is told against it."""
        self._snapshot = self._feed.snapshot(self._caller.language)
        return self._snapshot

    def news(self) -> Iterator[Event]:
        """The events that tell what is new. The steps of an operation come before the snapshot
        that names it."""
        if PROGRESS_EVENT in self._events:
            yield from self._progress()
        if self._events & {SNAPSHOT_EVENT, STATUS_EVENT}:
            yield from self._changes()

    def _progress(self) -> Iterator[Event]:
        before, self._operations = (
            self._operations,
            self._feed.operations(self._caller.language),
        )
        for id, operation in self._operations.items():
            if operation != before.get(id):
                yield PROGRESS_EVENT, {"operation": operation}

    def _changes(self) -> Iterator[Event]:
        snapshot = self._feed.snapshot(self._caller.language)
        event = change(self._snapshot, snapshot)
        if event is None:
            return
        self._snapshot = snapshot
        if SNAPSHOT_EVENT in self._events:
            yield SNAPSHOT_EVENT, event
        if STATUS_EVENT in self._events:
            for module in event.get("changes", {}).get("modules", ()):
                yield STATUS_EVENT, self._status(module["name"])

    def _status(self, name: str) -> Json:
        status = self._contract.invoke("ai/module/status", {"name": name}, self._caller)
        return {"name": name, "status": status}
