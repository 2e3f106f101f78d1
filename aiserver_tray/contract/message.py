"""Messages between the owner of the core and its clients.

Clients are processes that have to start fast: nothing here needs the validation of requests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from aiserver_tray.base.codec import compact_json, to_json
from aiserver_tray.base.i18n import Language

Json = dict[str, Any]

CallerKind = Literal["window", "browser", "command", "tray"]
"""window, browser: the page of the dashboard there; command: the command line, or a second start of
the applet; tray: icon and menu."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way to a client. ``payload`` is JSON. Of messages with the same event and
    ``key`` only the latest counts; without a key each counts, and their order."""

    event: str
    payload: bytes
    key: str | None = None

    @property
    def slot(self) -> tuple[str, str] | None:
        """Selects the subject of an event, of which only the latest event counts."""
        return None if self.key is None else (self.event, self.key)


_Payload = TypeVar("_Payload")

Source = Literal["owner", "window"]
"""The sender of an event: the owner of the core, or the window for its own page."""

EVENTS: Final[dict[str, "Event[Any]"]] = {}
"""Every event there is, by name. Filled by the declarations, when their modules are imported."""


class Event(Generic[_Payload]):
    """A message that clients receive without a request. ``payload``: its class (`base.codec`);
    ``key``: its subject in JSON, if only the latest event about it counts (see `Message`);
    ``source``: the sender."""

    def __init__(
        self,
        name: str,
        payload: type[_Payload],
        summary: str,
        *,
        key: Callable[[Json], str] | None = None,
        source: Source = "owner",
    ) -> None:
        self.name = name
        self.payload = payload
        self.summary = summary
        self._key = key
        self.source = source
        EVENTS[name] = self

    def message(self, payload: _Payload, language: Language = "en") -> Message:
        """The event with *payload*, with texts in *language*."""
        return self.of_json(to_json(payload, language, self.payload))

    def of_json(self, payload: Json) -> Message:
        """The event with *payload*, which is JSON."""
        return Message(self.name, compact_json(payload), self._key(payload) if self._key else None)


def owner_events() -> tuple[str, ...]:
    """The names of the events that clients of the owner can subscribe to."""
    return tuple(event.name for event in EVENTS.values() if event.source == "owner")
