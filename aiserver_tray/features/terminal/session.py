"""A terminal and the client that shows it."""

import codecs
import logging
from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Event, Thread
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.terminal import Terminal
from aiserver_tray.features.terminal.events import (
    TERMINAL,
    TerminalEnd,
    TerminalEndReason,
    TerminalOutput,
)
from aiserver_tray.protocol.message import Peer

EVENT_CHARACTERS: Final = 1 << 14
"""Maximum characters of an event: a page draws as many without a pause."""
WINDOW_CHARACTERS: Final = 1 << 18
"""Maximum characters that the client has not acknowledged. Then nothing more is read, and what
writes in the container waits."""
_POLITE_SECONDS: Final = 1.0
"""Seconds for a shell to exit by what is typed."""
_END_SECONDS: Final = 20.0
"""Seconds for the end of a terminal, after which nobody waits for it."""

_CANCEL_AND_END: Final = b"\x03\x04"
"""Ctrl+C and Ctrl+D."""


_logger = logging.getLogger(__name__)


class Session:
    """The *terminal*, shown by *peer*. Its output is kept until the client has acknowledged
    it, so that none is missing when the client comes back."""

    def __init__(self, id: str, terminal: Terminal, peer: Peer) -> None:
        self.id = id
        self.left: tuple[int, ...] = ()
        """After the end: the processes that could not be ended."""
        self._terminal = terminal
        self._peer: Peer | None = peer
        self._losses = 0
        """How often its client was lost."""
        self._changed = Condition()
        self._waiting: deque[TerminalOutput] = deque()
        self._characters = 0
        """In `_waiting`."""
        self._number = 0
        self._is_closing = False
        self._ended = Event()

    def is_lost_since(self, loss: int) -> bool:
        """Whether no client has shown it since its client was lost for the *loss*-th time."""
        with self._changed:
            return self._peer is None and self._losses == loss

    @property
    def has_ended(self) -> bool:
        """Whether nothing runs in it any more."""
        return self._ended.is_set()

    def open(self, rows: int, columns: int) -> None:
        """Open the terminal. Raises as it does."""
        try:
            self._terminal.open(rows, columns)
        except BaseException:
            self._ended.set()
            raise

    def start(self, on_end: Callable[[tuple[int, ...]], None]) -> None:
        """Begin to send output, in a thread of its own. *on_end* is called at its end, with the
        processes that are left."""
        Thread(target=self._run, args=[on_end], name="terminal", daemon=True).start()
        if self._is_closing:  # while it was opened, when there was nothing to end yet
            self.close()

    def type(self, text: str) -> None:
        self._terminal.send(text.encode())

    def resize(self, rows: int, columns: int) -> None:
        self._terminal.resize(rows, columns)

    def acknowledge(self, number: int) -> None:
        """The client has shown all events up to *number*."""
        with self._changed:
            self._drop(number)
            self._changed.notify()

    def attach(self, peer: Peer, number: int) -> None:
        """The client is *peer* now, and has got the events up to *number*: send it the others."""
        with self._changed:
            self._drop(number)
            self._peer = peer
            for output in self._waiting:
                peer.send(TERMINAL.message(output))
            self._changed.notify()

    def detach(self, peer: Peer) -> int | None:
        """Send *peer* no more. Returns how often the client was lost by now; None: *peer* is not
        the client."""
        with self._changed:
            if self._peer is not peer:
                return None
            self._peer = None
            self._losses += 1
            return self._losses

    def close(self) -> None:
        """End the shell and all that was started in it, and wait for that."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        # A shell that does not read lets this wait until its end.
        Thread(
            target=self._terminal.send, args=[_CANCEL_AND_END], name="terminal-end", daemon=True
        ).start()
        if not self._ended.wait(_POLITE_SECONDS):
            self._terminal.end()
        self._ended.wait(_END_SECONDS)

    def _drop(self, number: int) -> None:
        while self._waiting and self._waiting[0]["number"] <= number:
            self._characters -= len(self._waiting.popleft()["text"])

    def _run(self, on_end: Callable[[tuple[int, ...]], None]) -> None:
        reason: TerminalEndReason = "engine_lost"
        try:
            reason = self._show_all()
            on_end(self.left)
        except Exception as bug:  # noqa: BLE001 - the client must learn of the end
            log_bug(_logger, "a terminal failed", bug)
        finally:
            self._terminal.end()
            self._put("", {"reason": reason, "left": [*self.left]})
            self._ended.set()

    def _show_all(self) -> TerminalEndReason:
        """Show the output until its end, and end what is left. Returns why it ended."""
        reason: TerminalEndReason = "exited"
        try:
            for text in _decoded(self._terminal.output()):
                self._show(text)
        except EngineDownError:
            reason = "engine_lost"
        if (left := self._terminal.left()) is not None:
            self.left = left
        elif reason == "exited":
            reason = "service_stopped"
        return reason

    def _show(self, text: str) -> None:
        for start in range(0, len(text), EVENT_CHARACTERS):
            with self._changed:
                self._changed.wait_for(self._has_room)
            if not self._is_closing:
                self._put(text[start : start + EVENT_CHARACTERS], None)

    def _has_room(self) -> bool:
        return self._is_closing or self._characters < WINDOW_CHARACTERS

    def _put(self, text: str, end: TerminalEnd | None) -> None:
        with self._changed:
            self._number += 1
            output: TerminalOutput = {
                "terminal": self.id,
                "number": self._number,
                "text": text,
                "end": end,
            }
            self._waiting.append(output)
            self._characters += len(text)
            if self._peer:
                self._peer.send(TERMINAL.message(output))


def _decoded(pieces: Iterator[bytes]) -> Iterator[str]:
    """The text of *pieces*, which may end within a character."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text
