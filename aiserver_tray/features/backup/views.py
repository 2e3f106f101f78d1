"""Backups as clients get them, and what they ask for to restore one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.features.backup.plan import Omitted
from aiserver_tray.model import MAX_NAMES
from aiserver_tray.protocol.channel import Names, Payload

Reason = Literal["hand", "schedule", "restore", "upgrade", "adopt", "move"]
CheckState = Literal["unchecked", "checking", "verified", "damaged", "failed"]
MAX_PATH = 4096
_MAX_RECOVERY = 1 << 14
"""Characters of a recovery file, which has a few hundred."""
MAX_PASSPHRASE = 1000


@dataclass(frozen=True)
class BackupModuleView:
    """A module in a backup."""

    name: str
    title: LocalText
    version: str | None
    bytes: int
    """of its data, before it is compressed"""


@dataclass(frozen=True)
class BackupView:
    """A backup."""

    id: str
    """for the other channels"""
    made_at: datetime
    reason: Reason
    """`hand`: the user asked for it; `schedule`; `restore`, `upgrade`: made before one; `move`: for
    another computer"""
    modules: tuple[BackupModuleView, ...]
    is_whole: bool
    """all modules that had data were in it"""
    bytes: int | None
    """of its file; `null`: there is none, because the backup failed"""
    file: str
    """its path"""
    check: CheckState
    """`verified`: hashes and databases were tried; `failed`: the backup itself failed"""
    checked_at: datetime | None
    problem: Text | None
    """why it failed, is damaged, or can't be read now; or why its last check could not be carried
    out, which leaves `check` as it was"""
    version: str
    """of the application that made it"""
    is_here_only: bool
    """the recovery key is not saved: only this installation can restore it"""


@dataclass(frozen=True)
class ScheduleView:
    """When backups are made by themselves, and how many are kept."""

    every: Literal["never", "day", "week"]
    time: str
    """such as `03:00`"""
    weekday: int
    """0: Monday"""
    keep_daily: int
    keep_weekly: int
    keep_monthly: int
    next_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True)
class RecoveryKeyView:
    """The recovery key of the installation."""

    saved_at: datetime | None
    """`null`: the user has not saved it"""
    remind: bool
    """ask the user to save it now"""
    public: str
    """the recipient of the backups, such as `age1…`; empty until the first backup"""


@dataclass(frozen=True)
class MovedView:
    """The last file for another computer."""

    file: str
    made_at: datetime
    bytes: int
    has_images: bool
    is_stopped: bool
    """everything here stands still since it was made"""


@dataclass(frozen=True)
class BackupList:
    """Everything that the page of backups shows."""

    backups: tuple[BackupView, ...]
    """the newest first"""
    folder: str
    folder_problem: Text | None
    """why no backup can be written there now"""
    free_bytes: int | None
    schedule: ScheduleView
    key: RecoveryKeyView
    operation: str | None
    """the ID of the backup or restore that runs now"""
    checking: str | None
    """the ID of the backup that is checked now"""
    problem: Text | None
    """what an interrupted restore left, and the steps that are needed; nothing is touched then. Or
    why the keys of the backups can't be read: only the recovery file opens them"""
    moved: MovedView | None
    """`null`: there is none, it is older than a week, or it is not there any more"""


@dataclass(frozen=True)
class PlannedModule:
    """What a backup of a module would contain."""

    name: str
    title: LocalText
    group: int
    """modules of one group are backed up together"""
    seconds: float | None
    """how long it is expected to stand still; `null`: it does not run"""
    bytes: int | None
    databases: tuple[str, ...]
    """names, with the title of their server"""
    volumes: tuple[str, ...]
    folders: tuple[str, ...]
    """those of the owner's computer that it uses; in the backup only if they are asked for"""
    omitted: tuple[Omitted, ...]
    has_secrets: bool


@dataclass(frozen=True)
class BackupOffer:
    """What a backup would do."""

    modules: tuple[PlannedModule, ...]
    engine_bytes: int
    file_bytes: int
    blockers: tuple[Text, ...]
    """why it can't be made; nothing is stopped then"""


class MoveQuestion(Payload):
    """What a file for another computer would contain."""

    file: str | None = Field(default=None, min_length=1, max_length=MAX_PATH)
    """its absolute path on the owner's computer; without it, one is suggested"""
    images: bool = False
    """also the images: nothing has to be downloaded there"""
    folders: bool = False
    """also the folders of the owner's computer that modules use"""

    @model_validator(mode="after")
    def _names_a_place(self) -> Self:
        if self.file is not None and not Path(self.file).is_absolute():
            raise ValueError("expected the absolute path of a file")
        return self


class MoveRequest(MoveQuestion):
    """A file for another computer."""

    file: str = Field(min_length=1, max_length=MAX_PATH)
    stop: bool = False
    """everything stops before it is copied, and stands still afterwards"""


@dataclass(frozen=True)
class MoveOffer:
    """What a file for another computer would contain."""

    file: str
    modules: tuple[LocalText, ...]
    folders: tuple[str, ...]
    """those of the owner's computer that modules use"""
    images: int
    """how many there are"""
    image_bytes: int
    """of these, at most"""
    file_bytes: int
    """space that the file needs at most, with what was asked for"""
    is_key_saved: bool
    """the recovery key is saved, without which nothing opens the file there"""
    blockers: tuple[Text, ...]
    """why it can't be made; nothing is stopped then"""


@dataclass(frozen=True)
class Decision:
    """Something that a restore needs an answer to."""

    id: str
    """for the answer, such as `n8n.N8N_HOST_PORT`, or `without_backup`"""
    kind: Literal["port", "folder", "triggers", "setting", "consent", "images", "certificate"]
    title: Text
    why: Text
    value: str
    """the suggestion; of triggers `off` or `on`, of a consent `true` once it is given, of
    images `load` or `pull`, of a certificate `take` (that of the backup) or `keep`"""


class BackupSource(Payload):
    """A backup to restore from: one of the list, or a file."""

    id: str | None = Field(default=None, min_length=1, max_length=200)
    """of a backup of the list"""
    file: str | None = Field(default=None, min_length=1, max_length=MAX_PATH)
    """the absolute path of a backup's file on the owner's computer, instead"""
    recovery: str | None = Field(default=None, max_length=_MAX_RECOVERY, repr=False)
    """the text of the recovery file, for a backup of another installation"""
    passphrase: str | None = Field(default=None, max_length=MAX_PASSPHRASE, repr=False)
    """of the recovery file"""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.id is None) == (self.file is None):
            raise ValueError("expected either id or file")
        if self.file is not None and not Path(self.file).is_absolute():
            raise ValueError("expected the absolute path of a file")
        return self


class RestoreQuestion(BackupSource):
    """What a backup would restore here."""

    modules: Names | None = None
    """the chosen modules, which are asked about; none without it"""


class RestoreRequest(BackupSource):
    """The modules to restore."""

    modules: Annotated[Names, Field(min_length=1)]
    decisions: Annotated[Mapping[str, str], Field(max_length=MAX_NAMES)] = {}
    """answers by the IDs of decisions; those without one have the suggestion"""


@dataclass(frozen=True)
class RestorableModule:
    """A module that a restore can bring back."""

    name: str
    title: LocalText
    version: str | None
    bytes: int
    parts: Text
    """what is in it, in words"""
    together: tuple[str, ...]
    """the modules that are restored with it, because they share stores"""
    problem: Text | None
    """why it can't be restored"""
    seconds: float | None
    """how long it is expected to stand still"""
    uninstalled: bool
    """the catalog has no such module: its files come from the backup, and need a consent"""


@dataclass(frozen=True)
class RestoreOffer:
    """What a backup's file can restore here."""

    id: str
    made_at: datetime
    is_from_here: bool
    """this installation made it"""
    is_move: bool
    """it was made to move everything to another computer"""
    computer: str
    version: str
    check: CheckState
    checked_at: datetime | None
    modules: tuple[RestorableModule, ...]
    decisions: tuple[Decision, ...]
    """for the chosen modules"""
    blockers: tuple[Text, ...]
    engine_bytes: int
    """space that it needs on the engine's disk"""
