"""What a page hears: server-sent events, merged where they come too fast."""

import json
from collections import deque
from collections.abc import Iterator
from threading import Condition, Event
from typing import Any, Final

from aiserver_tray.contract import PROGRESS_EVENT, SNAPSHOT_EVENT, Caller, Contract, Json
from aiserver_tray.control.changes import change
from aiserver_tray.i18n import Language

HELLO_EVENT: Final = "ai/ui/hello"
"""The first: ``{snapshot, page, language}``."""

_PAUSE: Final = 0.1
"""Seconds between two batches."""

_HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment tells both sides whether the other is still there."""

_MOST_WAITING: Final = 5000
"""Events for a page that does not take them: then it has to begin anew."""


class EventStream:
    """One page's events. ``caller`` is who the page is for the contract."""

    def __init__(self, contract: Contract, language: Language) -> None:
        self.caller = Caller(language, self._emit)
        self._contract = contract
        self._language = language
        self._news = Condition()
        self._emitted: deque[tuple[str, Json]] = deque()
        self._is_changed = True
        self._closed = Event()
        self._snapshot: Json = {}
        self._operations: dict[str, Json] = {}

    def close(self) -> None:
        """End it, from any thread."""
        self._closed.set()
        with self._news:
            self._news.notify_all()

    def lines(self) -> Iterator[bytes]:
        """The events, until `close` or until the page is gone."""
        leave = self._contract.observe(self._touch)
        try:
            yield self._hello()
            while self._wait():
                messages = self._messages()
                yield b"".join(_event(*message) for message in messages) or b":\n\n"
                self._closed.wait(_PAUSE if messages else 0)
        finally:
            leave()
            self.close()
            self._contract.forget(self.caller)

    def _hello(self) -> bytes:
        self._snapshot = self._contract.snapshot(self._language)
        hello = {"snapshot": self._snapshot, "page": "home", "language": self._language}
        return _event(HELLO_EVENT, hello)

    def _wait(self) -> bool:
        """Wait for news, or long enough for a heartbeat; False: it is over."""
        with self._news:
            self._news.wait_for(self._has_news, _HEARTBEAT)
        return not self._closed.is_set()

    def _has_news(self) -> bool:
        return self._is_changed or bool(self._emitted) or self._closed.is_set()

    def _messages(self) -> list[tuple[str, Json]]:
        with self._news:
            emitted = [*self._emitted]
            self._emitted.clear()
            is_changed, self._is_changed = self._is_changed, False
        return [*(self._changes() if is_changed else ()), *emitted]

    def _changes(self) -> Iterator[tuple[str, Json]]:
        snapshot = self._contract.snapshot(self._language)
        payload = change(self._snapshot, snapshot)
        if payload:  # else the page keeps its number, which the next change is told against
            self._snapshot = snapshot
            yield SNAPSHOT_EVENT, payload
        before = self._operations
        self._operations = {o["id"]: o for o in self._contract.operations(self._language)}
        for id, operation in self._operations.items():
            if before.get(id) != operation:
                yield PROGRESS_EVENT, {"operation": operation}

    def _touch(self) -> None:
        with self._news:
            self._is_changed = True
            self._news.notify_all()

    def _emit(self, event: str, payload: Json) -> None:
        with self._news:
            self._emitted.append((event, payload))
            self._news.notify_all()
            if len(self._emitted) > _MOST_WAITING:
                self._closed.set()


def _event(event: str, payload: Any) -> bytes:  # noqa: ANN401 - JSON
    return b"data: " + json.dumps([event, payload]).encode() + b"\n\n"
