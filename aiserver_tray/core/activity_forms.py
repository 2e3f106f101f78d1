"""The forms in which clients and ``--json`` get the entries of the journal.

The text below a field is its meaning; documentation and the page's types are generated from it.
"""

from typing import Literal, TypedDict

from aiserver_tray.model import ActorKind, Carrier, OperationKind, OwnerKind, StepKind, StepStatus
from aiserver_tray.settings.entries import EntryKind, OwnerEvent

ActivityStatus = Literal["running", "succeeded", "failed", "cancelled", "interrupted"]
"""interrupted: its process ended before the operation did."""


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
