"""The journal of backups and restores under way, and how those that were interrupted end.

Every change of data follows its entry, and can be repeated. While a restore is *prepared*, it has
changed nothing: what it has made beside is removed. Once it has *swapped* something, all is put
back, unless it was *whole*.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.errors import (
    AiServerError,
    BackupError,
    ObjectNotFoundError,
    RestoreError,
)
from aiserver_tray.base.i18n import Given, Language, Listed, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.databases import Tools
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.features.backup.volumes import remove_leftovers
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.names import BACKUP_JOURNAL
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.process import has_run_since


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SwappedVolume(_Plain):
    """A volume whose content a restore replaces."""

    volume: str
    kept: str | None
    """The volume with what was there; None: there was nothing."""
    labels: dict[str, str] = Field(default_factory=dict)
    """It had these."""


class SwappedDatabase(_Plain):
    """A database that a restore replaces."""

    server: str
    database: str
    new: str
    old: str


class Unended(_Plain):
    """A backup or restore that has not ended."""

    kind: Literal["backup", "restore"]
    modules: list[str]
    state: Literal["prepared", "swapped", "whole"] = "prepared"
    pid: int = Field(default_factory=os.getpid)
    began: float = Field(default_factory=time.time)
    file: str = ""
    """The file that it writes."""
    ran: list[str] = Field(default_factory=list)
    """The containers that it has stopped."""
    volumes: list[SwappedVolume] = Field(default_factory=list)
    databases: list[SwappedDatabase] = Field(default_factory=list)
    values: dict[str, str | None] = Field(default_factory=dict)
    """The settings that it changes, as they were."""
    secrets: dict[str, str | None] = Field(default_factory=dict)
    """The same, encrypted."""
    problem: dict[Language, str] = Field(default_factory=dict)
    """Why it could not be ended."""


class JournalData(SealedModel):
    """backup-journal.json"""

    version: Literal[1] = 1
    operations: dict[str, Unended] = Field(default_factory=dict)
    """By ID."""


class BackupJournal:
    """The journal in the home of *settings*.

    Raises:
        SettingError: from every method: it can't be read or written.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.folder / BACKUP_JOURNAL
        self._file = VersionedFile(self._path, JournalData, settings.notices, lost="refuse")
        self._alive: set[str] = set()

    @contextmanager
    def operation(self, id: str, entry: Unended) -> Iterator[None]:
        """Within the block, the operation *id* is under way. Its entry stays if the block does not
        `end` it."""
        self._alive.add(id)
        try:
            with self._file.update() as data:
                data.operations[id] = entry
            yield
        finally:
            self._alive.discard(id)

    @contextmanager
    def update(self, id: str) -> Iterator[Unended]:
        """The entry of the operation *id*, to change in place: it is on the disk at the end."""
        with self._file.update() as data:
            yield data.operations[id]

    def end(self, id: str) -> None:
        """The operation *id* has left nothing behind."""
        with self._file.update() as data:
            data.operations.pop(id, None)

    @property
    def all(self) -> dict[str, Unended]:
        """All operations that have not ended, by ID."""
        return self._file.read().operations if self._path.exists() else {}

    @property
    def interrupted(self) -> dict[str, Unended]:
        """Those of them that nobody works on any more."""
        return {id: entry for id, entry in self.all.items() if not self._is_alive(id, entry)}

    def _is_alive(self, id: str, entry: Unended) -> bool:
        if entry.pid == os.getpid():
            return id in self._alive
        return has_run_since(entry.pid, entry.began)


def clean(tools: Tools, journal: BackupJournal) -> None:
    """Remove from the engine what no operation of *journal* has there."""
    remove_leftovers(tools.engine, tools.owner.installation, journal.all.keys())


def ended(tools: Tools, journal: BackupJournal, id: str) -> None:
    """The operation *id* is over: remove what it has made beside."""
    others = journal.all.keys() - {id}
    remove_leftovers(tools.engine, tools.owner.installation, others)
    journal.end(id)


def recover(tools: Tools, journal: BackupJournal, id: str) -> Callable[[Stage], None]:
    """The work that ends the interrupted operation *id*.

    Raises:
        BackupError, RestoreError: from the work, when it is done: the operation came to nothing.
    """

    def work(stage: Stage) -> None:
        entry = journal.all[id]
        with stage.locked(entry.modules, {one.server for one in entry.databases}):
            if id not in journal.interrupted:
                return
            try:
                _END[entry.kind, entry.state](stage, tools, id, entry)
            except AiServerError as error:
                with journal.update(id) as noted:
                    noted.problem = in_all_languages(error)
                raise
            ended(tools, journal, id)
        _report(entry)

    return work


def _report(entry: Unended) -> None:
    names = Listed(entry.modules)
    if entry.kind == "backup":
        text = Text(
            "The backup of {modules} was interrupted, and no file was made. Everything that it had "
            "stopped runs again. To back up again, run: aiserver-tray backup create",
            modules=names,
        )
        raise BackupError(text)
    if entry.state != "whole":
        text = Text(
            "The restore of {modules} was interrupted. Everything is as it was before. Restore "
            "again.",
            modules=names,
        )
        raise RestoreError(text, modules=entry.modules)


def _start_again(stage: Stage, _tools: Tools, _id: str, entry: Unended) -> None:
    Path(f"{entry.file}.part").unlink(missing_ok=True)
    containers = stage.parts.store.state.containers
    stage.start([containers[name] for name in entry.ran if name in containers])


def undo(stage: Stage, tools: Tools, _id: str, entry: Unended) -> None:
    """Remove what the restore has unpacked: it has changed nothing else."""
    _start_servers(stage, entry)
    for one in entry.databases:
        tools.server(one.server, Cancellation()).drop(one.new)
    _up_again(stage, tools, entry)


def _up_again(stage: Stage, tools: Tools, entry: Unended) -> None:
    """Start the modules that ran, whose containers are gone."""
    known = {s.container: model.name for model in tools.app.models for s in model.services}
    if modules := sorted({known[name] for name in entry.ran if name in known}):
        stage.up(modules)


def put_back(stage: Stage, tools: Tools, id: str, entry: Unended) -> None:
    """Make everything as it was before the restore *id*. Can be repeated.

    Raises:
        RestoreError: others have removed what was kept. Nothing is changed then.
    """
    _check_kept(tools, entry)
    _start_servers(stage, entry)
    stage.remove(entry.modules)
    volumes = tools.volumes(id, Cancellation())
    for one in entry.volumes:
        remove_volume(tools, one.volume)
        if one.kept:
            volumes.replace(one.volume, one.kept, {"Labels": one.labels})
    for each in entry.databases:
        server = tools.server(each.server, Cancellation())
        server.swap_back(each.database, each.new, each.old)
        server.drop(each.new)
    tools.app.settings.put_back(entry.values, entry.secrets)
    _up_again(stage, tools, entry)


def finish(stage: Stage, tools: Tools, _id: str, entry: Unended) -> None:
    """Remove what the restore has replaced."""
    _start_servers(stage, entry)
    for one in entry.databases:
        tools.server(one.server, Cancellation()).drop(one.old)


def remove_volume(tools: Tools, volume: str) -> None:
    """Remove *volume*, which no container has any more."""
    with suppress(ObjectNotFoundError):
        tools.engine.volumes.remove(volume)


def _start_servers(stage: Stage, entry: Unended) -> None:
    if servers := sorted({one.server for one in entry.databases}):
        stage.up(servers)


def _check_kept(tools: Tools, entry: Unended) -> None:
    kept = [one.kept for one in entry.volumes if one.kept]
    there = {volume.name for volume in tools.engine.volumes.all()}
    if missing := [name for name in kept if name not in there]:
        why = Text("The volumes {volumes} are gone.", volumes=Listed(missing))
        raise RestoreError(why, modules=entry.modules)


def _half_restored(entry: Unended, why: Text) -> Text:
    """Which steps are left after a restore that can't be undone."""
    return Text(
        "A restore of {modules} was interrupted, and can't be undone: {why} Nothing was removed, "
        "and these modules are not started. Restart AI-Server Tray to try again, or restore them "
        "from a backup, which replaces all their data.",
        modules=Listed(entry.modules),
        why=why,
    )


_Ending = Callable[[Stage, Tools, str, Unended], None]
_END: dict[tuple[str, str], _Ending] = {
    ("backup", "prepared"): _start_again,
    ("restore", "prepared"): undo,
    ("restore", "swapped"): put_back,
    ("restore", "whole"): finish,
}


def problem(journal: BackupJournal) -> Text | None:
    """Which restore could not be ended, with the steps that are needed. None: there is none."""
    try:
        left = [one for one in journal.interrupted.values() if one.problem]
    except AiServerError as error:
        return error.text
    return _half_restored(left[0], Given(left[0].problem)) if left else None
