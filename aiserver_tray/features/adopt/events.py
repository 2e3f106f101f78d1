"""The event of adoptions."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event


class AdoptEvent(TypedDict):
    """Adoptions have changed; `ai/adopt/list` has them."""

    source: str
    """the container that it is about"""


ADOPTIONS: Final = Event(
    "ai/adopt/event",
    AdoptEvent,
    "A foreign program was copied into a module, switched over to, or an adoption was dismissed.",
    key=lambda _: "",
)
