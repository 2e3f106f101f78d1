"""Actions of the tray's menu."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class OpenDashboard:
    """Show the dashboard on ``page``, such as ``logs/n8n``."""

    page: str = "home"


@dataclass(frozen=True, slots=True)
class StartAll:
    """Start the chosen modules."""


@dataclass(frozen=True, slots=True)
class StopAll:
    """Stop all modules."""


@dataclass(frozen=True, slots=True)
class Start:
    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    name: str


@dataclass(frozen=True, slots=True)
class Restart:
    name: str


@dataclass(frozen=True, slots=True)
class SetAndStart:
    """Set ``setting`` to ``value``, and start the module ``name`` with it."""

    name: str
    setting: str
    value: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the containers and networks of the module ``name``; its volumes stay."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenModule:
    """Show the page of the module ``name``."""

    name: str


@dataclass(frozen=True, slots=True)
class MuteAlert:
    """Notify no more, for an hour, of what the alert is about."""

    alert: str


@dataclass(frozen=True, slots=True)
class Cancel:
    operation_id: str


@dataclass(frozen=True, slots=True)
class StartEngine:
    """Start the Docker engine."""


@dataclass(frozen=True, slots=True)
class ToggleAutostart:
    """Start at login from now on, or no more."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Exit the applet, and ``leave`` the containers running or ``stop`` them first."""

    stop: Literal["leave", "stop"] = "leave"


RequestAction = (
    OpenDashboard | OpenModule | MuteAlert | Cancel | StartEngine | ToggleAutostart | Quit
)
Action = StartAll | StopAll | Start | Stop | Restart | SetAndStart | Remove | RequestAction


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
