"""The entries of the journal for people and programs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict, assert_never

from aiserver_tray.base.i18n import Language, Plural, Text, in_language
from aiserver_tray.features.activity.events import ActivityStatus
from aiserver_tray.model import (
    Actor,
    ActorKind,
    Carrier,
    OperationKind,
    OwnerKind,
    StepKind,
    StepStatus,
)
from aiserver_tray.settings.entries import (
    ChosenEntry,
    Entry,
    EntryKind,
    OperationEntry,
    OwnerEntry,
    OwnerEvent,
    RefusedEntry,
    RevealedEntry,
    SettingEntry,
    TrustedEntry,
)
from aiserver_tray.system.process import has_run_since

# -- JSON forms -----------------------------------------------------------------------------------
# The text below a field is its meaning; documentation and the page's types are generated from it.


class ActorJson(TypedDict):
    """The side that asked for an operation or a change."""

    kind: ActorKind
    """`tray`: icon and menu; `owner`: the owner of the core, which starts desired modules by
    itself"""
    pid: int | None
    """its process; `null` if it has none of its own"""


class ActivityStepJson(TypedDict):
    """A step of a past operation."""

    kind: StepKind
    subject: str
    """the object's name on the engine, or a kernel setting"""
    module: str
    service: str | None
    """`null` for a step of the whole module"""
    status: StepStatus
    began: float | None
    """seconds from the operation's beginning to its own; `null` if it did not begin"""
    seconds: float | None
    """its duration; `null` if it did not begin"""
    usual: float | None
    """its usual duration, from earlier times; `null` if there were none"""
    total: int
    """bytes of a pull"""


class ActivityErrorJson(TypedDict):
    """Why an operation failed."""

    code: str
    """one of the [error codes](errors.md)"""
    message: str
    """what happened, why, and what to do next"""


class ActivityOperationJson(TypedDict):
    """A past or running operation."""

    kind: OperationKind
    modules: list[str]
    """names of modules, including those added to the request"""
    asked: list[str]
    """names of the modules in the request; may be empty, as in `ai/operation/start`"""
    services: list[str]
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
    error: ActivityErrorJson | None
    """why it failed"""
    steps: list[ActivityStepJson]
    """those that were planned, in order; at most 500"""


class ActivitySettingJson(TypedDict):
    """A change of a setting."""

    address: str
    """such as `n8n.N8N_HOST_PORT`"""
    value: str | None
    """the new value; `null` for a secret, and if it was reset"""
    reset: bool
    """it got its default again"""


class ActivityRefusedJson(TypedDict):
    """Clients that were refused, for the same reason and in a row."""

    carrier: Carrier
    """`control`: the control channel, for processes of this user; `http`: browser mode"""
    reason: str
    count: int
    """how many times"""
    last: str
    """the last time"""


class ActivityOwnerJson(TypedDict):
    """A change of the process that owns the core."""

    kind: OwnerKind
    event: OwnerEvent
    """`handed_over`: to the actor, a tray"""
    pid: int
    """its process"""


class ActivityJson(TypedDict):
    """An entry of the journal. Of the fields after `text`, only the one with the name of its kind
    has a value."""

    id: str
    time: str
    """when it began"""
    kind: EntryKind
    actor: ActorJson | None
    """the side that asked for it; `null` if nobody did"""
    text: str
    """what was done, for people"""
    operation: ActivityOperationJson | None
    setting: ActivitySettingJson | None
    revealed: str | None
    """the address of the secret that was shown in plain text"""
    chosen: list[str] | None
    """the modules that *Start all* starts since then"""
    trusted: str | None
    """the module that was allowed the permissions that it asks for"""
    refused: ActivityRefusedJson | None
    owner: ActivityOwnerJson | None


_OPERATIONS: Mapping[OperationKind, Text] = {
    "up": Text("Start"),
    "stop": Text("Stop"),
    "down": Text("Remove"),
    "restart": Text("Restart"),
    "pull": Text("Pull images"),
    "build": Text("Build images"),
}

_OWNERS: Mapping[OwnerKind, Text | str] = {"tray": Text("Tray icon"), "serve": "serve"}

_EVENTS: Mapping[OwnerEvent, Text] = {
    "started": Text("{name}: started"),
    "stopped": Text("{name}: stopped"),
    "handed_over": Text("{name}: the tray took over"),
}


def status_of(entry: OperationEntry) -> ActivityStatus:
    """The status of an operation now. The line of a killed process says that it is running."""
    if entry.status == "running":
        is_alive = has_run_since(entry.pid, entry.time.timestamp())
        return "running" if is_alive else "interrupted"
    return entry.status


def text_of(entry: Entry, language: Language) -> Text:
    """What was done, in a line."""
    match entry:
        case OperationEntry():
            services = [f"{module}/{name}" for module in entry.asked for name in entry.services]
            head, names = _OPERATIONS[entry.operation], ", ".join(services or entry.modules)
            return Text("{name}: {why}", name=head, why=names) if names else head
        case SettingEntry() | RevealedEntry():
            return _setting_text(entry)
        case ChosenEntry():
            return Text("Chosen modules: {modules}", modules=", ".join(entry.modules) or "-")
        case TrustedEntry():
            return Text("Trusted module: {name}", name=entry.module)
        case RefusedEntry():
            return Plural(
                "Refused a client: {reason}",
                "Refused clients {count} times: {reason}",
                count=entry.count,
                reason=in_language(entry.reason, language),
            )
        case OwnerEntry():
            return _EVENTS[entry.event].with_values({"name": _OWNERS[entry.owner]})
        case _:
            assert_never(entry)


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
    """*entry* without the steps of its operation."""
    return replace(entry, steps=()) if isinstance(entry, OperationEntry) else entry


def activity_json(entry: Entry, language: Language) -> ActivityJson:
    """*entry* with texts in *language*."""
    return {
        "id": entry.id,
        "time": entry.time.isoformat(),
        "kind": entry.kind,
        "actor": _actor(entry.actor) if entry.actor else None,
        "text": text_of(entry, language).render(language),
        "operation": _operation(entry, language) if isinstance(entry, OperationEntry) else None,
        "setting": _setting(entry) if isinstance(entry, SettingEntry) else None,
        "revealed": entry.address if isinstance(entry, RevealedEntry) else None,
        "chosen": [*entry.modules] if isinstance(entry, ChosenEntry) else None,
        "trusted": entry.module if isinstance(entry, TrustedEntry) else None,
        "refused": _refused(entry, language) if isinstance(entry, RefusedEntry) else None,
        "owner": _owner(entry) if isinstance(entry, OwnerEntry) else None,
    }


def _actor(actor: Actor) -> ActorJson:
    return {"kind": actor.kind, "pid": actor.pid}


def _operation(entry: OperationEntry, language: Language) -> ActivityOperationJson:
    message = in_language(entry.message, language)
    return {
        "kind": entry.operation,
        "modules": [*entry.modules],
        "asked": [*entry.asked],
        "services": [*entry.services],
        "all": entry.all,
        "cascade": entry.cascade,
        "recreate": entry.recreate,
        "status": status_of(entry),
        "seconds": entry.seconds,
        "error": {"code": entry.code, "message": message} if entry.code else None,
        "steps": [
            {
                "kind": step.kind,
                "subject": step.subject,
                "module": step.module,
                "service": step.service,
                "status": step.status,
                "began": step.began,
                "seconds": step.seconds,
                "usual": step.usual,
                "total": step.total,
            }
            for step in entry.steps
        ],
    }


def _setting(entry: SettingEntry) -> ActivitySettingJson:
    return {"address": entry.address, "value": entry.value, "reset": entry.is_reset}


def _refused(entry: RefusedEntry, language: Language) -> ActivityRefusedJson:
    return {
        "carrier": entry.carrier,
        "reason": in_language(entry.reason, language),
        "count": entry.count,
        "last": entry.last.isoformat(),
    }


def _owner(entry: OwnerEntry) -> ActivityOwnerJson:
    return {"kind": entry.owner, "event": entry.event, "pid": entry.pid}
