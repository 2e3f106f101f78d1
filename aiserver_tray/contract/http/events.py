"""What a page hears: server-sent events, merged where they come too fast."""

import json
import logging
from collections import deque
from collections.abc import Iterator
from threading import Condition, Event
from typing import Any, Final

from aiserver_tray.base.errors import NotRunningError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import (
    PROGRESS_EVENT,
    SNAPSHOT_EVENT,
    STATUS_EVENT,
    Caller,
    Contract,
    Json,
)
from aiserver_tray.contract.local.feed import Feed, Subscription

HELLO_EVENT: Final = "ai/ui/hello"
"""The first: ``{snapshot, language}``; which page is shown stands in the browser's address."""

_EVENTS: Final = (SNAPSHOT_EVENT, PROGRESS_EVENT, STATUS_EVENT)
"""What every page is told; the rest is sent to just one."""

_PAUSE: Final = 0.1
"""Seconds between two batches."""

_HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment tells both sides whether the other is still there."""

_MOST_WAITING: Final = 5000
"""Events for a page that does not take them: then it has to begin anew."""

_logger = logging.getLogger(__name__)


class EventStream:
    """One page's events. ``caller`` is who the page is for the contract."""

    def __init__(self, contract: Contract, language: Language) -> None:
        self.caller = Caller(language, self._emit)
        self._contract = contract
        self._news = Condition()
        self._emitted: deque[tuple[str, Json]] = deque()
        self._is_changed = True
        self._closed = Event()
        self._feed = Feed(contract, self._touch)
        self._subscription = Subscription(_EVENTS, self._feed, contract, self.caller)

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._closed.is_set()

    def close(self) -> None:
        """End it, from any thread."""
        self._closed.set()
        with self._news:
            self._news.notify_all()

    def lines(self) -> Iterator[bytes]:
        """The events, until `close`, or until the page is gone, or who hosts the core is: then the
        page comes again."""
        self._feed.start()
        try:
            yield self._hello()
            while self._wait():
                messages = self._messages()
                yield b"".join(_event(*message) for message in messages) or b":\n\n"
                self._closed.wait(_PAUSE if messages else 0)
        except NotRunningError as lost:
            _logger.info("a page can't be told what is new: %s", lost)
        finally:
            self._feed.close()
            self.close()
            self._contract.forget(self.caller)

    def _hello(self) -> bytes:
        snapshot = self._subscription.whole()
        hello = {"snapshot": snapshot, "language": snapshot["language"]}
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
        return [*(self._subscription.news() if is_changed else ()), *emitted]

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
