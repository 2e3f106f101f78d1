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
    """Mute the subject of the alert for an hour."""

    alert: str


@dataclass(frozen=True, slots=True)
class Cancel:
    operation_id: str


@dataclass(frozen=True, slots=True)
class StartEngine:
    """Start the Docker engine."""


@dataclass(frozen=True, slots=True)
class ToggleAutostart:
    """Turn the start at login on, or off if it is on."""


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
    """A notification."""

    title: str
    body: str
    click: Action = field(default_factory=OpenDashboard)
    """the action of a click"""
    click_text: str = ""
    """the name of that action, for desktops that show a button for it"""
    buttons: Mapping[str, Action] = field(default_factory=dict)
    """text -> action, if the desktop has buttons"""
    key: str = ""
    """a later notification with the same key replaces this one, if the desktop can do that"""
    is_update: bool = False
    """only replaces an earlier notification; not shown if that is gone"""
