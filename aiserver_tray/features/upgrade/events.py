"""The event of upgrades."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event


class UpgradeEvent(TypedDict):
    """Upgrades have changed; `ai/upgrade/list` has them."""

    asking: bool
    """registries are asked now"""


UPGRADES: Final = Event(
    "ai/upgrade/event",
    UpgradeEvent,
    "A version was found, rehearsed or installed, or an upgrade can no longer be undone.",
    key=lambda _: "",
)
