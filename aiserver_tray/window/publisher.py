"""Tells the page what is new: in batches, ten a second at most, and only while somebody looks."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Final

from aiserver_tray.contract.contract import Json
from aiserver_tray.window.outbox import Outbox

PAUSE: Final = 0.1
"""Seconds between two batches."""

log = logging.getLogger(__name__)


class Publisher:
    """Sends by *run_js*, which blocks as long as the page is busy; what is new meanwhile merges."""

    def __init__(self, run_js: Callable[[str], object]) -> None:
        self._run_js = run_js
        self._outbox = Outbox()
        self._changed = threading.Condition()
        self._has_page = False
        self._is_seen = True
        self._news = False

    def start(self) -> None:
        """Begin, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="publisher", daemon=True).start()

    def put(self, event: str, payload: Json) -> None:
        """Have *event* told; returns at once.

        Raises:
            OutOfStepError: a change of a snapshot that is not ours: `renew` with a whole one.
        """
        with self._changed:
            self._outbox.put(event, payload)
            self._wake()

    def renew(self, snapshot: Json | None) -> None:
        """*snapshot* is the whole state, whatever was heard before; None: there is no host."""
        with self._changed:
            self._outbox.renew(snapshot)
            self._wake()

    def begin(self, snapshot: Json | None) -> None:
        """There is a new page, which was given *snapshot* already."""
        with self._changed:
            self._outbox.page_knows(snapshot)
            self._has_page = self._is_seen = True
            self._wake()

    def pause(self) -> None:
        """Nobody looks at the page."""
        with self._changed:
            self._is_seen = False

    def resume(self) -> None:
        """Somebody looks again: tell the whole state."""
        with self._changed:
            self._outbox.page_knows(None)
            self._is_seen = True
            self._wake()

    def end(self) -> None:
        """The page is gone, and what was for it."""
        with self._changed:
            self._has_page = False
            self._outbox.forget()

    def _wake(self) -> None:
        self._news = True
        self._changed.notify()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._news and self._has_page and self._is_seen)
                self._news = False
                messages = self._outbox.take()
            if messages:
                self._tell(json.dumps(messages))
                pause.wait(PAUSE)

    def _tell(self, messages: str) -> None:
        try:
            # While a page is being loaded there is nobody to receive; it asks for all when it is.
            self._run_js(f"window.aiserver?.receive({messages})")
        except Exception:
            log.warning("the page can't be told what is new", exc_info=True)
