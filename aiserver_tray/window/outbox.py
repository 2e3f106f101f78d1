"""What is to be told to the page, as little as can be. Pure.

Of the state only the newest counts, so what was not sent yet is replaced; lines of logs are kept
in order, and the oldest are dropped when nobody takes them.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiserver_tray.contract.contract import (
    LOG_EVENT,
    PROGRESS_EVENT,
    SNAPSHOT_EVENT,
    STATUS_EVENT,
    Json,
)
from aiserver_tray.contract.local.changes import applied, change

Message = tuple[str, Json]
"""Event and payload."""

LOST_EVENT: Final = "ai/ui/lost"
"""There is no host of the core; the next snapshot means that there is one again."""

LINES_KEPT: Final = 5000

_SUBJECTS: Final[Mapping[str, Callable[[Json], Any]]] = {
    PROGRESS_EVENT: lambda payload: payload["operation"]["id"],
    STATUS_EVENT: lambda payload: payload["name"],
}
"""Event -> what it is about; of each only the newest counts."""


class Outbox:
    """Messages on their way to one page. Not for several threads at once."""

    def __init__(self) -> None:
        self._latest: Json | None = None
        self._known: Json | None = None
        self._is_lost = False
        self._newest: dict[tuple[str, Any], Message] = {}
        self._lines: deque[Message] = deque(maxlen=LINES_KEPT)

    def put(self, event: str, payload: Json) -> None:
        """Have *event* told.

        Raises:
            OutOfStepError: a change of a snapshot that is not ours: `renew` with a whole one.
        """
        if event == SNAPSHOT_EVENT:
            if not self._has(payload):
                self._latest = applied(self._latest, payload)
        elif event == LOG_EVENT:
            self._lines.append((event, payload))
        else:
            # Taken out first, so that what was told last is also told last.
            key = (event, _SUBJECTS[event](payload) if event in _SUBJECTS else None)
            self._newest.pop(key, None)
            self._newest[key] = (event, payload)

    def _has(self, payload: Json) -> bool:
        """Whether the whole state, asked for, overtook the event."""
        ours = self._latest
        return payload["base"] is not None and ours is not None and payload["seq"] <= ours["seq"]

    def renew(self, snapshot: Json | None) -> None:
        """*snapshot* is the whole state, whatever was heard before; None: there is no host."""
        self._latest = snapshot
        self._is_lost = snapshot is None
        if snapshot is None:
            self._known = None
        else:
            self._newest.pop((LOST_EVENT, None), None)

    def page_knows(self, snapshot: Json | None) -> None:
        """What changes are told against; None: all has to be told."""
        if snapshot and self._is_lost:  # the page asked before its host was lost
            self.put(LOST_EVENT, {})
            return
        self._known = snapshot
        if snapshot and (self._latest is None or self._latest["seq"] < snapshot["seq"]):
            self._latest = snapshot  # the page asked before we heard

    def forget(self) -> None:
        """What was for a page that is no more."""
        self._newest.clear()
        self._lines.clear()

    def take(self) -> list[Message]:
        """All that is to be told now."""
        messages = [*self._newest.values(), *self._lines]
        self.forget()
        if self._latest is not None and self._latest is not self._known:
            payload = change(self._known, self._latest)
            if payload:  # Else the page keeps its number, which the next change is told against.
                messages.insert(0, (SNAPSHOT_EVENT, payload))
                self._known = self._latest
        return messages
