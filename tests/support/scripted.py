"""A contract whose host shows what a test says, and notes what the page asks."""

from collections.abc import Callable
from copy import deepcopy
from threading import Condition
from typing import Any

from pydantic import TypeAdapter

from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import CHANNELS, Caller, Envelope, Json, answer

LIMIT = 30.0
"""Seconds, on a busy machine."""


class Scripted:
    """Keeps `contract.Contract`. ``answers``: channel -> what is answered; ``handlers``: channel ->
    what answers it, whatever the payload; ``calls``: what was asked, in order; ``chosen``: the
    user's language."""

    def __init__(self, snapshot: Json) -> None:
        self.answers: dict[str, Envelope] = {}
        self.handlers: dict[str, Callable[[Any, Caller], Envelope]] = {}
        self.calls: list[tuple[str, Json]] = []
        self.callers: list[Caller] = []
        self.forgotten: list[Caller] = []
        self.chosen: Language | None = None
        self.steps: list[Json] = []
        self._snapshot = deepcopy(snapshot)
        self._observers: list[Callable[[], None]] = []
        self._news = Condition()

    def show(self, snapshot: Json) -> None:
        """Let the state be *snapshot* from now on."""
        self._snapshot = deepcopy(snapshot) | {"seq": self._snapshot["seq"] + 1}
        for observer in tuple(self._observers):
            observer()

    def wait_for_call(self, channel: str) -> Json:
        """The payload of the next call of *channel*, which is taken out."""
        with self._news:
            assert self._news.wait_for(lambda: self._find(channel) is not None, LIMIT), self.calls
            index = self._find(channel)
            assert index is not None
            return self.calls.pop(index)[1]

    def _find(self, channel: str) -> int | None:
        return next((i for i, (name, _) in enumerate(self.calls) if name == channel), None)

    # -- the contract --------------------------------------------------------------------------

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401
        handler = self.handlers.get(channel)
        if handler is None:
            TypeAdapter(CHANNELS[channel]).validate_python(payload or {})
        with self._news:
            self.calls.append((channel, payload))
            self.callers.append(caller)
            self._news.notify_all()
        if handler:
            return handler(payload, caller)
        if channel == "ai/snapshot/get":
            return answer(**self.snapshot(caller.language))
        return self.answers.get(channel, answer())

    def snapshot(self, language: Language) -> Json:
        return deepcopy(self._snapshot) | {"language": self.chosen or language}

    def operations(self, language: Language) -> list[Json]:  # noqa: ARG002
        return deepcopy(self.steps)

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._observers.append(callback)
        callback()
        return lambda: self._observers.remove(callback)

    def forget(self, caller: Caller) -> None:
        with self._news:
            self.forgotten.append(caller)
            self._news.notify_all()

    def wait_until_forgotten(self, caller: Caller) -> None:
        """Wait until *caller* is said to be gone."""
        with self._news:
            assert self._news.wait_for(lambda: caller in self.forgotten, LIMIT)

    @property
    def listeners(self) -> int:
        """How many observe."""
        return len(self._observers)
