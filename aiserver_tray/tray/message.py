"""A notification as the desktop shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiserver_tray.tray.actions import Action, OpenDashboard


@dataclass(frozen=True, slots=True)
class Message:
    """A notification. ``click``: the action of a click, ``click_text`` says it; ``buttons``: text
    -> action, where the desktop has buttons; ``key``: a later one with the same key takes its
    place, where the desktop can do that; ``is_update``: it only takes the place of another one."""

    title: str
    body: str
    click: Action = field(default_factory=OpenDashboard)
    click_text: str = ""
    buttons: Mapping[str, Action] = field(default_factory=dict)
    key: str = ""
    is_update: bool = False
