"""The event of alert rules."""

from typing import Literal, TypedDict

from aiserver_tray.protocol.message import Event


class RulesEvent(TypedDict):
    """Alerts, rules or mutes have changed; `ai/rules/list` has them."""

    alert: str | None
    """the alert that the user is to know of; `null`: none"""
    change: Literal["raised", "changed", "recovered"] | None
    """what happened to it; `changed`: it got worse"""


RULES = Event("ai/rules/changed", RulesEvent, "Alerts, rules or mutes have changed.")
