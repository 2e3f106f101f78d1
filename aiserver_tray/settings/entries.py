"""The entries of the journal, as they are stored."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import uuid4

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.model import Actor, Carrier, OperationKind, OwnerKind, StepKind, StepStatus

if TYPE_CHECKING:
    from pydantic import TypeAdapter

EntryKind = Literal[
    "operation",
    "setting",
    "revealed",
    "chosen",
    "trusted",
    "distrusted",
    "terminal",
    "refused",
    "alert",
    "owner",
    "cleaned",
    "action",
    "hostKey",
    "models",
]

EntryStatus = Literal["running", "succeeded", "failed", "cancelled"]

OwnerEvent = Literal["started", "stopped", "handed_over"]

MAX_STEPS: Final = 500
"""Maximum number of steps in one entry."""
_MAX_TEXT = 4000
"""Maximum number of characters of a text or value in an entry."""


def shortened(text: str) -> str:
    """*text* in valid Unicode, cut to the length that an entry may have."""
    valid = text.encode(errors="backslashreplace").decode()
    return valid if len(valid) <= _MAX_TEXT else f"{valid[:_MAX_TEXT]}…"


def in_all_languages(text: Text | AiServerError) -> LocalText:
    """The message *text* in every language: it is not known who will read it."""
    return {"en": shortened(text.render("en")), "zh": shortened(text.render("zh"))}


@dataclass(frozen=True, kw_only=True)
class EntryBase:
    """The fields of every entry. Of several lines with the same ``id``, the last one counts."""

    # First, because pruning reads only the beginning of a line.
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid4().hex)
    actor: Actor | None = None
    engine: str | None = None
    """The ID of the engine that an operation or an alert is about, if it has answered."""


@dataclass(frozen=True, kw_only=True)
class ActivityStep:
    """A step of a past operation."""

    kind: StepKind
    subject: str
    """the object's name on the engine, or a kernel setting"""
    module: str
    service: str | None
    """`null` for a step of the whole module"""
    status: StepStatus
    began: float | None = None
    """seconds from the operation's beginning to its own; `null` if it did not begin"""
    seconds: float | None = None
    """its duration; `null` if it did not begin"""
    usual: float | None = None
    """its usual duration, from earlier times; `null` if there were none"""
    total: int = 0
    """bytes of a pull"""


@dataclass(frozen=True, kw_only=True)
class OperationEntry(EntryBase):
    """An operation: one line when it begins, and one when it has ended."""

    kind: Literal["operation"] = "operation"
    operation: OperationKind
    modules: tuple[str, ...]
    pid: int
    """Of the process that runs it."""
    asked: tuple[str, ...] = ()
    """The modules of the request, as are the services and flags below."""
    services: tuple[str, ...] = ()
    all: bool = False
    cascade: bool = False
    recreate: bool = False
    status: EntryStatus = "running"
    seconds: float | None = None
    code: str | None = None
    message: LocalText | None = None
    steps: tuple[ActivityStep, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SettingEntry(EntryBase):
    """A setting was changed or reset."""

    kind: Literal["setting"] = "setting"
    address: str
    is_reset: bool
    value: str | None
    """None for a secret, and after a reset."""


@dataclass(frozen=True, kw_only=True)
class RevealedEntry(EntryBase):
    """A secret was shown in plain text."""

    kind: Literal["revealed"] = "revealed"
    address: str


@dataclass(frozen=True, kw_only=True)
class ChosenEntry(EntryBase):
    """The chosen modules were changed."""

    kind: Literal["chosen"] = "chosen"
    modules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrustedEntry(EntryBase):
    """A module was allowed to start, with the permissions that it asks for."""

    kind: Literal["trusted"] = "trusted"
    module: str
    permissions: tuple[LocalText, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DistrustedEntry(EntryBase):
    """All that a module was allowed was taken back."""

    kind: Literal["distrusted"] = "distrusted"
    module: str


@dataclass(frozen=True, kw_only=True)
class TerminalEntry(EntryBase):
    """A terminal was opened in a service. What is typed and shown in it is kept nowhere."""

    kind: Literal["terminal"] = "terminal"
    module: str
    service: str
    user: str
    """The name that the image has for it, or root."""
    left: tuple[int, ...] = ()
    """The processes that could not be ended with it, by their ids in the container."""


@dataclass(frozen=True, kw_only=True)
class RefusedEntry(EntryBase):
    """Clients were refused, for the same reason and in a row."""

    kind: Literal["refused"] = "refused"
    carrier: Carrier
    reason: LocalText
    count: int
    last: datetime
    """The time of the last one."""


@dataclass(frozen=True, kw_only=True)
class AlertEntry(EntryBase):
    """An alert: one line when it begins, and one when it is over."""

    kind: Literal["alert"] = "alert"
    title: LocalText
    text: LocalText
    module: str | None
    page: str
    seconds: float | None = None
    """How long it lasted. None: it is active."""


@dataclass(frozen=True, kw_only=True)
class OwnerEntry(EntryBase):
    """The owner of the core started or stopped, or handed the core over to the actor."""

    kind: Literal["owner"] = "owner"
    owner: OwnerKind
    event: OwnerEvent
    pid: int


@dataclass(frozen=True, kw_only=True)
class CleanedEntry(EntryBase):
    """Things that took space were removed."""

    kind: Literal["cleaned"] = "cleaned"
    removed: tuple[str, ...]
    """Names of images, containers and files."""
    kept: tuple[str, ...]
    """Those that could not be removed."""
    bytes: int
    """That became free."""


@dataclass(frozen=True, kw_only=True)
class ActionEntry(EntryBase):
    """An action of a module: one line when it begins, and one when it has ended. Neither what was
    entered nor its output is kept, apart from the end of the output in the message of a failure."""

    kind: Literal["action"] = "action"
    module: str
    action: str
    """Its name in the module's file."""
    title: LocalText
    pid: int
    """Of the process that runs it."""
    status: EntryStatus = "running"
    seconds: float | None = None
    code: str | None = None
    message: LocalText | None = None
    left: tuple[int, ...] = ()
    """The processes that could not be ended with it, by their ids in the container."""


@dataclass(frozen=True, kw_only=True)
class HostKeyEntry(EntryBase):
    """The host key of an ssh server was trusted."""

    kind: Literal["hostKey"] = "hostKey"
    host: str
    key: str
    """Its type and fingerprint."""


@dataclass(frozen=True, kw_only=True)
class ModelsEntry(EntryBase):
    """The stack was told to use a model server, or no longer to."""

    kind: Literal["models"] = "models"
    title: str
    address: str
    models: tuple[str, ...]
    """Their names at the server."""
    is_used: bool


Entry = (
    OperationEntry
    | SettingEntry
    | RevealedEntry
    | ChosenEntry
    | TrustedEntry
    | DistrustedEntry
    | TerminalEntry
    | RefusedEntry
    | AlertEntry
    | OwnerEntry
    | CleanedEntry
    | ActionEntry
    | HostKeyEntry
    | ModelsEntry
)


def is_of(entry: Entry, engines: Collection[str | None]) -> bool:
    """Whether *entry* is about an engine with one of these IDs, or about none."""
    return not isinstance(entry, OperationEntry | AlertEntry) or entry.engine in engines


def line_of(entry: Entry) -> bytes:
    """*entry* as a line of the journal."""
    text = json.dumps(entry, default=_as_json, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _as_json(value: Any) -> object:  # noqa: ANN401 - a time, an entry or a part of one
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return {one.name: getattr(value, one.name) for one in fields(value)}


def entry_of(line: bytes) -> Entry | None:
    """The entry in a *line* of the journal. None if the line is damaged, or of a newer version."""
    # Slow to import: each command that changes something writes the journal, and few read it.
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        entry = _reader().validate_json(line)
    except ValidationError:
        return None
    times = [entry.time, *([entry.last] if isinstance(entry, RefusedEntry) else [])]
    return entry if all(time.tzinfo for time in times) else None


@cache
def _reader() -> "TypeAdapter[Entry]":
    from pydantic import Field, TypeAdapter  # noqa: PLC0415 - as above

    return TypeAdapter(Annotated[Entry, Field(discriminator="kind")])
