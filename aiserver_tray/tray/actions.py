"""Actions of the tray's menu."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiserver_tray.model import OperationKind


@dataclass(frozen=True, slots=True)
class OpenDashboard:
    """Show the dashboard on ``page``, such as ``logs/n8n``."""

    page: str = "home"


@dataclass(frozen=True, slots=True)
class Operate:
    """Start an operation on ``modules``. Without modules, it is for all, or for the chosen ones."""

    kind: OperationKind
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAndStart:
    """Set ``setting`` to ``value``, and start the module ``name`` with it."""

    name: str
    setting: str
    value: str


@dataclass(frozen=True, slots=True)
class OpenModule:
    """Show the page of the module ``name``."""

    name: str


@dataclass(frozen=True, slots=True)
class MuteAlert:
    """Mute the subject of the alert for an hour."""

    alert: str


@dataclass(frozen=True, slots=True)
class CloseAccess:
    """Close the module ``name`` to the network."""

    name: str


@dataclass(frozen=True, slots=True)
class AnswerAssistant:
    """Allow the change ``proposal`` of an assistant, or refuse it."""

    proposal: str
    allow: bool


@dataclass(frozen=True, slots=True)
class BackUp:
    """Back up everything."""


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
    OpenDashboard
    | OpenModule
    | MuteAlert
    | CloseAccess
    | AnswerAssistant
    | BackUp
    | Cancel
    | StartEngine
    | ToggleAutostart
    | Quit
)
Action = Operate | SetAndStart | RequestAction


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
