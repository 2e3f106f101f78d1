"""The contract where there is no core: not yet, not any more, or it can't be had."""

from collections.abc import Callable
from typing import Any

from aiserver_tray.base.errors import AiServerError, NotRunningError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channels.dispatch import refusal
from aiserver_tray.contract.contract import Caller, Envelope, Json
from aiserver_tray.model import EngineView, Snapshot
from aiserver_tray.state.codec import snapshot_json


class NoCore:
    """Answers everything with *error*; None while the core is only being looked for."""

    def __init__(self, error: AiServerError | None) -> None:
        self._error = error

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401, ARG002
        """Why there is no answer."""
        return refusal(self._error or NotRunningError(), caller)

    def snapshot(self, language: Language) -> Json:
        """That nothing is known."""
        engine = EngineView(running=False, error=self._error)
        return dict(snapshot_json(Snapshot(engine, "engine_down", ()), language))

    def operations(self, language: Language) -> list[Json]:  # noqa: ARG002
        """None."""
        return []

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002
        """Nothing changes."""
        return lambda: None

    def forget(self, caller: Caller) -> None:
        """There is nothing to forget."""
