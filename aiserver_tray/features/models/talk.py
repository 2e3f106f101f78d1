"""A question to a model, whose answer is shown while it comes. Nothing of it is kept."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from threading import Event
from typing import Any, Final

from aiserver_tray.base.errors import CancelledError, RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import without_controls
from aiserver_tray.features.models.servers import Server, exchange

_SECONDS: Final = 300.0
_MAX_TOKENS: Final = 1024
_MAX_LINE: Final = 1 << 16
_MAX_TEXT: Final = 4000
_TOLD: Final = 200


@dataclass(frozen=True)
class Talk:
    """How a model has answered."""

    first_seconds: float | None
    """until its first word; `null`: it said nothing"""
    rate: float | None
    """pieces of words (tokens) each second, after the first one; `null`: there were too few"""


class Question:
    """A question to the *model* of *server*, whose API key is *key*."""

    def __init__(self, server: Server, key: str, model: str) -> None:
        self._server = server
        self._key = key
        self._model = model
        self._stopped = Event()
        self._response: HTTPResponse | None = None

    def stop(self) -> None:
        """End it. `ask` returns at once."""
        self._stopped.set()
        if self._response:
            self._response.close()

    def ask(self, text: str, show: Callable[[str], None]) -> Talk:
        """Ask *text*, and *show* each piece of the answer.

        Raises:
            CancelledError: it was stopped.
            RefusedError: the server gives no answer; says why.
        """
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": _MAX_TOKENS,
            "stream": True,
        }
        begun, times = time.monotonic(), []
        try:
            asked = exchange(self._server, "/chat/completions", self._key, body, _SECONDS)
            with asked as self._response:
                for piece in self._pieces(self._response):
                    times.append(time.monotonic())
                    show(piece)
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            if self._stopped.is_set():
                raise CancelledError from None
            raise self._no_answer(str(error)) from None
        if self._stopped.is_set():
            raise CancelledError
        spent = times[-1] - times[0] if times else 0.0
        rate = (len(times) - 1) / spent if spent and len(times) > 2 else None
        return Talk(times[0] - begun if times else None, rate)

    def _pieces(self, response: HTTPResponse) -> Iterator[str]:
        if response.status != HTTPStatus.OK:
            raise self._no_answer(_message(response.read(_MAX_LINE)))
        while line := response.readline(_MAX_LINE):
            if self._stopped.is_set():
                return
            data = line.strip().removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return
            if piece := _said(data):
                yield piece

    def _no_answer(self, why: str) -> RefusedError:
        text = Text("{name} gives no answer: {why}", name=self._server.title, why=why)
        return RefusedError(text)


def _said(data: bytes) -> str:
    """The words in a piece of a streamed answer; none in what is no such piece."""
    try:
        found: Any = json.loads(data)["choices"][0]["delta"].get("content")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return without_controls(found)[:_MAX_TEXT] if isinstance(found, str) else ""


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])[:_TOLD]
    except (ValueError, LookupError, TypeError, RecursionError):
        return body[:_TOLD].decode(errors="replace")
