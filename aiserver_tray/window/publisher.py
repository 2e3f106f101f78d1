"""Sending events to the page: in batches, at most ten per second, and only while the page is
visible."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from aiserver_tray.base.codec import compact_json
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import Message

BATCH_SECONDS: Final = 0.1
"""Between two batches."""

LINES_KEPT: Final = 5000
"""Maximum messages with log lines for an invisible page; older ones are dropped."""

BYTES_KEPT: Final = 4 << 20
"""Maximum bytes of these messages."""

log = logging.getLogger(__name__)


class Publisher:
    """Sends by *run_js*, which blocks as long as the page is busy. Of messages with a key only the
    latest is sent. Payloads are passed on unparsed."""

    def __init__(self, run_js: Callable[[str], object]) -> None:
        self._run_js = run_js
        self._changed = threading.Condition()
        self._state: Message | None = None
        """The last snapshot, or that there is no owner: for the next page."""
        self._latest: dict[tuple[str, str], Message] = {}
        self._lines: deque[Message] = deque()
        self._bytes = 0
        """In `_lines`."""
        self._has_page = False
        self._is_seen = True

    def start(self) -> None:
        """Start, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="publisher", daemon=True).start()

    def put(self, message: Message) -> None:
        """Have *message* sent; returns at once."""
        with self._changed:
            if message.event == SNAPSHOT.name:
                self._state = message
            self._add(message)

    def lost(self, message: Message) -> None:
        """There is no owner: drop the events of the last one, and send *message*."""
        with self._changed:
            self._state = message
            self._latest.clear()
            self._add(message)

    def begin(self) -> None:
        """A new page is ready: send it the state."""
        with self._changed:
            self._has_page = self._is_seen = True
            if self._state:
                self._add(self._state)
            self._changed.notify()

    def pause(self) -> None:
        with self._changed:
            self._is_seen = False

    def resume(self) -> None:
        with self._changed:
            self._is_seen = True
            self._changed.notify()

    def end(self) -> None:
        """The page is gone: drop its events."""
        with self._changed:
            self._has_page = False
            self._latest.clear()
            self._clear_lines()

    def _add(self, message: Message) -> None:
        if message.slot is None:
            self._lines.append(message)
            self._bytes += len(message.payload)
            while len(self._lines) > LINES_KEPT or (
                self._bytes > BYTES_KEPT and len(self._lines) > 1
            ):
                self._bytes -= len(self._lines.popleft().payload)
        else:
            # Removed first, so that the latest event is also sent last.
            self._latest.pop(message.slot, None)
            self._latest[message.slot] = message
        self._changed.notify()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                messages = [*self._latest.values(), *self._lines]
                self._latest.clear()
                self._clear_lines()
            self._send(b",".join(b"[%s,%s]" % (compact_json(m.event), m.payload) for m in messages))
            pause.wait(BATCH_SECONDS)

    def _clear_lines(self) -> None:
        self._lines.clear()
        self._bytes = 0

    def _has_work(self) -> bool:
        return self._has_page and self._is_seen and bool(self._latest or self._lines)

    def _send(self, messages: bytes) -> None:
        try:
            # While a page loads, it can't receive; it requests everything once it is ready.
            self._run_js(f"window.aiserver?.receive([{messages.decode()}])")
        except Exception:
            log.warning("events can't be sent to the page", exc_info=True)
