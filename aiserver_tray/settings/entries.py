"""The entries of the journal, as they are stored."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.model import Actor, Carrier, OperationKind, OwnerKind, StepKind, StepStatus

EntryKind = Literal["operation", "setting", "revealed", "chosen", "trusted", "refused", "owner"]

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
    """The message *text* in every language: it is not known who reads the journal."""
    return {"en": shortened(text.render("en")), "zh": shortened(text.render("zh"))}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class EntryBase(_Record):
    """The fields of every entry. Of several lines with the same ``id``, the last one counts."""

    # First, because pruning reads only the beginning of a line.
    time: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    id: str = Field(default_factory=lambda: uuid4().hex)
    actor: Actor | None = None


class StepEntry(_Record):
    """A step of an operation. ``began``: seconds after the operation's beginning; ``total``: bytes
    of a pull."""

    kind: StepKind
    subject: str
    module: str
    service: str | None
    status: StepStatus
    began: float | None = None
    seconds: float | None = None
    usual: float | None = None
    total: int = 0


class OperationEntry(EntryBase):
    """An operation: one line when it begins, and one when it has ended. ``pid``: the process that
    runs it; ``asked``, ``services``, ``all``, ``cascade`` and ``recreate``: the request."""

    kind: Literal["operation"] = "operation"
    operation: OperationKind
    modules: tuple[str, ...]
    pid: int
    asked: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    all: bool = False
    cascade: bool = False
    recreate: bool = False
    status: Literal["running", "succeeded", "failed", "cancelled"] = "running"
    seconds: float | None = None
    code: str | None = None
    message: LocalText | None = None
    steps: tuple[StepEntry, ...] = ()


class SettingEntry(EntryBase):
    """A setting was changed or reset. ``value``: None for a secret, and after a reset."""

    kind: Literal["setting"] = "setting"
    address: str
    is_reset: bool
    value: str | None


class RevealedEntry(EntryBase):
    """A secret was shown in plain text."""

    kind: Literal["revealed"] = "revealed"
    address: str


class ChosenEntry(EntryBase):
    """The chosen modules were changed."""

    kind: Literal["chosen"] = "chosen"
    modules: tuple[str, ...]


class TrustedEntry(EntryBase):
    """A module was allowed the permissions that it asks for."""

    kind: Literal["trusted"] = "trusted"
    module: str


class RefusedEntry(EntryBase):
    """Clients were refused, for the same reason and in a row. ``last``: the last time."""

    kind: Literal["refused"] = "refused"
    carrier: Carrier
    reason: LocalText
    count: int
    last: AwareDatetime


class OwnerEntry(EntryBase):
    """The owner of the core started or stopped, or handed the core over to the actor."""

    kind: Literal["owner"] = "owner"
    owner: OwnerKind
    event: OwnerEvent
    pid: int


Entry = (
    OperationEntry
    | SettingEntry
    | RevealedEntry
    | ChosenEntry
    | TrustedEntry
    | RefusedEntry
    | OwnerEntry
)

READER: Final[TypeAdapter[Entry]] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])
"""Reads entries."""
