"""The run of one action: its command, its time limit, and its output."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Lock, Timer
from typing import Final, Literal

from aiserver_tray.base.errors import ActionError, ActionTimeoutError, CancelledError
from aiserver_tray.base.i18n import Given
from aiserver_tray.base.masking import Masker, without_controls
from aiserver_tray.base.strings import harmless
from aiserver_tray.catalog.extension import Action
from aiserver_tray.engine.terminal import Command

MAX_OUTPUT: Final = 1 << 18
"""Maximum characters of output that are kept and shown. What follows is read and dropped."""
_MORE_BYTES: Final = 1 << 12
"""Of a line that is cut, so many bytes are masked with it: a secret may be at the cut."""
_TOLD_LINES: Final = 20
"""Of a command that failed, these last lines are in the error."""
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class Run:
    """*action* of the service at the address *service*, by *command*, which is not open yet. *show*
    gets its output, without what *masker* hides."""

    def __init__(
        self,
        action: Action,
        service: str,
        command: Command,
        masker: Masker,
        show: Callable[[str], object],
    ) -> None:
        self._action = action
        self._service = service
        self._command = command
        self._masker = masker
        self._show = show
        self._opening = Lock()
        self._ended: Literal["cancelled", "late"] | None = None
        self.output = ""
        self.seconds = 0.0
        """Its duration, once it has ended."""
        self.left: tuple[int, ...] = ()
        """The processes that could not be ended with it."""

    def run(self, inputs: Mapping[str, str]) -> None:
        """Run it with *inputs*, and wait for its end.

        Raises:
            ActionError, ActionTimeoutError, CancelledError: its command failed, or was ended.
            AiServerError: the engine is lost or refuses it, or the container has no shell.
        """
        begun = time.monotonic()
        limit = Timer(self._action.seconds, self._end, ["late"])
        limit.daemon = True
        last: list[str] = []
        try:
            with self._opening:  # what is not open can't be ended
                if self._ended:
                    raise CancelledError
                self._command.open(self._action.command, inputs)
            if self._ended:  # meanwhile
                self._command.end()
            limit.start()
            for lines in self._lines():
                last = [*last, *lines][-_TOLD_LINES:]
            self.left = self._command.left() or ()
        finally:
            limit.cancel()
            self._command.end()
            self.seconds = time.monotonic() - begun
        self._judge(last)

    def cancel(self) -> None:
        """End it. Does not wait: `run` returns within seconds once the engine has answered."""
        self._ended = self._ended or "cancelled"
        if self._opening.acquire(blocking=False):
            self._command.end()
            self._opening.release()

    def _end(self, why: Literal["cancelled", "late"]) -> None:
        self._ended = self._ended or why
        self._command.end()

    def _judge(self, last: list[str]) -> None:
        title = Given(self._action.title)
        if self._ended == "cancelled":
            raise CancelledError
        if self._ended == "late":
            raise ActionTimeoutError(title, self._service, self._action.seconds, last)
        if code := self._command.exit_code:
            raise ActionError(title, self._service, code, last)

    def _lines(self) -> Iterator[list[str]]:
        """The complete lines of each piece of the output, and in the end the one without an end.
        They are shown."""
        held = b""
        for piece in self._command.output():
            *complete, held = _LINE_END.split(held + piece)
            yield self._shown(complete)
            held = held[: MAX_OUTPUT + _MORE_BYTES]
        yield self._shown([held] if held else [])

    def _shown(self, lines: list[bytes]) -> list[str]:
        texts = self._masker.lines([line.decode(errors="replace") for line in lines])
        harmless_ = [harmless(without_controls(text))[:MAX_OUTPUT] for text in texts]
        text = "".join(f"{line}\n" for line in harmless_)
        if shown := text[: MAX_OUTPUT - len(self.output)]:
            self.output += shown
            self._show(shown)
        return harmless_
