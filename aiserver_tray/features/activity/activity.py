"""The entries of the journal for people and programs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.i18n import Given, Listed, LocalText, Plural, Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.features.activity.events import ActivityStatus
from aiserver_tray.model import Actor, Carrier, OperationKind, OwnerKind
from aiserver_tray.settings.entries import (
    ActionEntry,
    ActivityStep,
    AlertEntry,
    ChosenEntry,
    CleanedEntry,
    DistrustedEntry,
    Entry,
    EntryKind,
    HostKeyEntry,
    ModelsEntry,
    OperationEntry,
    OwnerEntry,
    OwnerEvent,
    RefusedEntry,
    RevealedEntry,
    SettingEntry,
    TerminalEntry,
    TrustedEntry,
)
from aiserver_tray.system.process import has_run_since

# -- JSON forms -----------------------------------------------------------------------------------
# The text below a field is its meaning; documentation and the page's types are generated from it.


@dataclass(frozen=True)
class ActivityError:
    """Why an operation failed."""

    code: str
    """one of the [error codes](errors.md)"""
    message: LocalText
    """what happened, why, and what to do next"""


@dataclass(frozen=True)
class ActivityOperation:
    """A past or running operation."""

    kind: OperationKind
    modules: tuple[str, ...]
    """names of modules, including those added to the request"""
    asked: tuple[str, ...]
    """names of the modules in the request; may be empty, as in `ai/operation/start`"""
    services: tuple[str, ...]
    """the request was only for these services of its module; empty: for all"""
    all: bool
    """the request was for every module of the catalog"""
    cascade: bool
    """the request was also for the modules that need these"""
    recreate: bool
    """the containers of its modules were to be recreated"""
    status: ActivityStatus
    """`interrupted`: its process ended before the operation did"""
    seconds: float | None
    """its duration; `null` if its end is not known"""
    error: ActivityError | None
    """why it failed"""
    steps: tuple[ActivityStep, ...]
    """those that were planned, in order; at most 500"""


@dataclass(frozen=True)
class ActivitySetting:
    """A change of a setting."""

    address: str
    """such as `n8n.N8N_HOST_PORT`"""
    value: str | None
    """the new value; `null` for a secret, and if it was reset"""
    is_reset: bool
    """it got its default again"""


@dataclass(frozen=True)
class ActivityTerminal:
    """A terminal was opened."""

    module: str
    service: str
    user: str
    """the user of its shell"""
    left: tuple[int, ...]
    """processes that could not be ended with it: their ids in the container"""


@dataclass(frozen=True)
class ActivityRefused:
    """Clients that were refused, for the same reason and in a row."""

    carrier: Carrier
    """`control`: the control channel, for processes of this user; `http`: browser mode"""
    reason: LocalText
    count: int
    """how many times"""
    last: datetime
    """the last time"""


@dataclass(frozen=True)
class ActivityAlert:
    """An alert."""

    title: LocalText
    text: LocalText
    """why"""
    module: str | None
    page: str
    """the dashboard's address where it is seen"""
    seconds: float | None
    """how long it lasted; `null`: it is active"""


@dataclass(frozen=True)
class ActivityOwner:
    """A change of the process that owns the core."""

    kind: OwnerKind
    event: OwnerEvent
    """`handed_over`: to the actor, a tray"""
    pid: int
    """its process"""


@dataclass(frozen=True)
class ActivityCleaned:
    """Things that took space were removed."""

    removed: tuple[str, ...]
    """names of images, containers and files"""
    kept: tuple[str, ...]
    """those that could not be removed"""
    bytes: int
    """that became free"""


@dataclass(frozen=True)
class ActivityAction:
    """A past or running action of a module."""

    module: str
    action: str
    """its name in the module's file"""
    title: LocalText
    status: ActivityStatus
    seconds: float | None
    """its duration; `null` if its end is not known"""
    error: ActivityError | None
    """why it failed"""
    left: tuple[int, ...]
    """processes that could not be ended: their ids in the container"""


@dataclass(frozen=True)
class ActivityModels:
    """The stack uses a model server, or no longer."""

    title: str
    address: str
    """for programs of this computer"""
    models: tuple[str, ...]
    """names of its models"""
    is_used: bool
    """false: no longer"""


@dataclass(frozen=True)
class Activity:
    """An entry of the journal. Of the fields after `text`, only the one with the name of its kind
    has a value."""

    id: str
    time: datetime
    """when it began"""
    kind: EntryKind
    actor: Actor | None
    """the side that asked for it; `null` if nobody did"""
    text: Text
    """what was done, for people"""
    operation: ActivityOperation | None = None
    setting: ActivitySetting | None = None
    revealed: str | None = None
    """the address of the secret that was shown in plain text"""
    chosen: tuple[str, ...] | None = None
    """the modules that *Start all* starts since then"""
    trusted: str | None = None
    """the module that was allowed to start, with the permissions that it asks for"""
    permissions: tuple[LocalText, ...] = ()
    """what goes beyond its own containers, of `trusted`"""
    distrusted: str | None = None
    """the module from which all that was taken back"""
    terminal: ActivityTerminal | None = None
    refused: ActivityRefused | None = None
    alert: ActivityAlert | None = None
    owner: ActivityOwner | None = None
    cleaned: ActivityCleaned | None = None
    action: ActivityAction | None = None
    host_key: str | None = None
    """type and fingerprint of the host key of an ssh server that was trusted"""
    models: ActivityModels | None = None


_OPERATIONS: Mapping[OperationKind, Text] = {
    "up": Text("Start"),
    "stop": Text("Stop"),
    "down": Text("Remove"),
    "restart": Text("Restart"),
    "pull": Text("Pull images"),
    "build": Text("Build images"),
    "backup": Text("Back up"),
    "move": Text("Pack for another computer"),
    "restore": Text("Restore"),
    "rehearse": Text("Rehearse an upgrade"),
    "upgrade": Text("Upgrade"),
    "adopt": Text("Bring your own"),
}

_OWNERS: Mapping[OwnerKind, Text | str] = {"tray": Text("Tray icon"), "serve": "serve"}

_EVENTS: Mapping[OwnerEvent, Text] = {
    "started": Text("{name}: started"),
    "stopped": Text("{name}: stopped"),
    "handed_over": Text("{name}: the tray took over"),
}


def status_of(entry: OperationEntry | ActionEntry) -> ActivityStatus:
    """The status of an operation or action now. The line of a killed process says that it runs."""
    if entry.status == "running":
        is_alive = has_run_since(entry.pid, entry.time.timestamp())
        return "running" if is_alive else "interrupted"
    return entry.status


def text_of(entry: Entry) -> Text:  # noqa: C901, PLR0911, PLR0912 - one for each kind
    """What was done, in a line."""
    match entry:
        case OperationEntry():
            services = [f"{module}/{name}" for module in entry.asked for name in entry.services]
            head, names = _OPERATIONS[entry.operation], services or entry.modules
            return Text("{name}: {why}", name=head, why=Listed(names)) if names else head
        case SettingEntry() | RevealedEntry():
            return _setting_text(entry)
        case ChosenEntry():
            modules = Listed(entry.modules or ["-"])
            return Text("Chosen modules: {modules}", modules=modules)
        case TrustedEntry():
            return Text("{name} was allowed to start", name=entry.module)
        case DistrustedEntry():
            return Text("{name} is no longer trusted", name=entry.module)
        case HostKeyEntry():
            return Text("The host key of {host} was trusted", host=entry.host)
        case ModelsEntry():
            used = Text("The stack uses the models of {name}", name=entry.title)
            unused = Text("The stack no longer uses the models of {name}", name=entry.title)
            return used if entry.is_used else unused
        case TerminalEntry():
            return _terminal_text(entry)
        case RefusedEntry():
            return Plural(
                "Refused a client: {reason}",
                "Refused clients {count} times: {reason}",
                count=entry.count,
                reason=Given(entry.reason),
            )
        case AlertEntry():
            return Text("Alert: {title}", title=Given(entry.title))
        case OwnerEntry():
            return _EVENTS[entry.event].with_values({"name": _OWNERS[entry.owner]})
        case CleanedEntry():
            return Plural(
                "Removed {count} thing that was not in use ({size})",
                "Removed {count} things that were not in use ({size})",
                count=len(entry.removed),
                size=binary_size(entry.bytes),
            )
        case ActionEntry():
            return Text("{name}: {why}", name=entry.module, why=Given(entry.title))
        case _:
            assert_never(entry)


def _terminal_text(entry: TerminalEntry) -> Text:
    service = f"{entry.module}/{entry.service}"
    opened = Text("Terminal in {service} as {user}", service=service, user=entry.user)
    if not entry.left:
        return opened
    return Plural(
        "{opened}; {count} process could not be ended: {ids}",
        "{opened}; {count} processes could not be ended: {ids}",
        count=len(entry.left),
        opened=opened,
        ids=Listed([str(id) for id in entry.left]),
    )


def _setting_text(entry: SettingEntry | RevealedEntry) -> Text:
    if isinstance(entry, RevealedEntry):
        return Text("{name} was shown in plain text", name=entry.address)
    if entry.is_reset:
        return Text("{name} was reset", name=entry.address)
    if entry.value is None:
        return Text("{name} was changed", name=entry.address)
    if not entry.value:
        return Text("{name} was cleared", name=entry.address)
    return Text("{name} was set to {value}", name=entry.address, value=entry.value)


def without_steps(entry: Entry) -> Entry:
    return replace(entry, steps=()) if isinstance(entry, OperationEntry) else entry


def activity_of(entry: Entry) -> Activity:
    """*entry* for clients."""
    text, details = text_of(entry), _details(entry)
    return Activity(entry.id, entry.time, entry.kind, entry.actor, text, **details)


_VIEWS: Mapping[EntryKind, type] = {
    "setting": ActivitySetting,
    "terminal": ActivityTerminal,
    "refused": ActivityRefused,
    "alert": ActivityAlert,
    "cleaned": ActivityCleaned,
    "models": ActivityModels,
}
"""Of the entries whose kind names the field that has all of them."""


def _details(entry: Entry) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
    match entry:
        case OperationEntry():
            return {"operation": _operation(entry)}
        case RevealedEntry():
            return {"revealed": entry.address}
        case ChosenEntry():
            return {"chosen": entry.modules}
        case TrustedEntry():
            return {"trusted": entry.module, "permissions": entry.permissions}
        case DistrustedEntry():
            return {"distrusted": entry.module}
        case HostKeyEntry():
            return {"host_key": entry.key}
        case (
            SettingEntry()
            | TerminalEntry()
            | RefusedEntry()
            | AlertEntry()
            | CleanedEntry()
            | ModelsEntry()
        ):
            return {entry.kind: view_of(_VIEWS[entry.kind], entry)}
        case OwnerEntry():
            return {"owner": view_of(ActivityOwner, entry, kind=entry.owner)}
        case ActionEntry():
            return {"action": view_of(ActivityAction, entry, **_result(entry))}
        case _:
            assert_never(entry)


def _operation(entry: OperationEntry) -> ActivityOperation:
    return view_of(ActivityOperation, entry, kind=entry.operation, **_result(entry))


def _result(entry: OperationEntry | ActionEntry) -> dict[str, Any]:
    error = ActivityError(entry.code, entry.message or {}) if entry.code else None
    return {"status": status_of(entry), "error": error}
