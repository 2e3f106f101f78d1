"""The backups, restores and upgrades of an installation that have not ended: what each has changed,
so that the next start can end it or put it back."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.settings.content import SealedContent
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.system.process import has_run_since


@dataclass
class SwappedVolume:
    """A volume whose content a restore replaces."""

    volume: str
    kept: str | None
    """The volume with what was there; None: there was nothing."""
    labels: dict[str, str] = field(default_factory=dict)
    """It had these."""


@dataclass
class SwappedDatabase:
    """A database that a restore replaces, or that an upgrade changes, which has copied it."""

    server: str
    database: str
    new: str
    old: str
    existed: bool = True
    """There was one, which is *old* once it is replaced."""


@dataclass
class Unended:
    """A backup, a file for another computer, a restore, rehearsal, upgrade or adoption that has not
    ended."""

    kind: Literal["backup", "move", "restore", "rehearse", "upgrade", "adopt"]
    modules: list[str]
    engine: str = ""
    """The ID of the engine that has its data. Empty: any."""
    state: Literal["prepared", "swapped", "whole", "kept"] = "prepared"
    pid: int = field(default_factory=os.getpid)
    began: float = field(default_factory=time.time)
    file: str = ""
    """The file that it writes."""
    ran: list[str] = field(default_factory=list)
    """The containers that it has stopped."""
    foreign: list[str] = field(default_factory=list)
    """The IDs of the containers of others that it has stopped, in the order of their start."""
    roles: list[str] = field(default_factory=list)
    """Those that it creates on the server of its databases."""
    volumes: list[SwappedVolume] = field(default_factory=list)
    databases: list[SwappedDatabase] = field(default_factory=list)
    values: dict[str, str | None] = field(default_factory=dict)
    """The settings that it changes, as they were."""
    secrets: dict[str, str | None] = field(default_factory=dict)
    """The same, encrypted."""
    images: dict[str, str] = field(default_factory=dict)
    """By name, the IDs of the images that had the names of those of an upgrade, or of those that a
    restore loads."""
    loads: list[str] = field(default_factory=list)
    """The names that no image had before a restore loaded those of its file."""
    quiet: list[str] = field(default_factory=list)
    """The modules whose triggers are turned off when it ends: they are on in the program that was
    copied."""
    version: str = ""
    """From which it is upgraded."""
    ended: float = 0.0
    """When the upgrade was whole."""
    seconds: float = 0.0
    """For which its module stood still."""
    problem: dict[Language, str] = field(default_factory=dict)
    """Why it could not be ended, and what to do."""

    def is_on(self, engine: str) -> bool:
        """Whether it is on the *engine* with this ID."""
        return self.engine in ("", engine)

    def is_half(self, engine: str, modules: Collection[str]) -> bool:
        """Whether it is a restore or upgrade on *engine* that has replaced a part of *modules*."""
        here = self.state == "swapped" and self.is_on(engine)
        return here and not {*self.modules}.isdisjoint(modules)


@dataclass
class UnendedData(SealedContent):
    """backup-journal.json"""

    version: Literal[1] = 1
    installation: str = ""
    """The ID of the one whose settings and data it is about."""
    operations: dict[str, Unended] = field(default_factory=dict)
    """By ID."""


class BackupJournal:
    """The backups, restores and upgrades of *installation* that have not ended, in the file *path*.

    Raises:
        SettingError: from every method: it can't be read or written, or another installation wrote
            it; names the steps that are left.
    """

    def __init__(self, path: Path, installation: Callable[[], str], notices: list[Text]) -> None:
        self._file = VersionedFile(
            path, UnendedData, notices, lost="refuse", steps=_steps_without(path)
        )
        self._installation = installation
        self._alive: set[str] = set()

    @contextmanager
    def operation(self, id: str, entry: Unended) -> Iterator[None]:
        """Within the block, the operation *id* is under way. Its entry stays if the block does not
        `end` it."""
        self._alive.add(id)
        try:
            with self._updated() as operations:
                operations[id] = entry
            yield
        finally:
            self._alive.discard(id)

    @contextmanager
    def update(self, id: str) -> Iterator[Unended]:
        """The entry of the operation *id*, to change in place: it is on the disk at the end."""
        with self._updated() as operations:
            yield operations[id]

    def end(self, id: str) -> None:
        """The operation *id* has left nothing behind."""
        with self._updated() as operations:
            operations.pop(id, None)

    def whole(self, id: str, replaced: Iterable[str]) -> None:
        """The restore *id* is done, and with it those that it has *replaced*: from now on, none of
        them is put back."""
        with self._updated() as operations:
            for one in (id, *replaced):
                operations[one].state = "whole"

    def keep(self, id: str) -> None:
        """The upgrade *id* is done, and can be undone."""
        with self.update(id) as entry:
            entry.state, entry.ran = "kept", []

    @property
    def all(self) -> dict[str, Unended]:
        """All operations that have not ended, by ID."""
        return self._checked(self._file.read())

    @property
    def under_way(self) -> dict[str, Unended]:
        """Those of them that are under way or were interrupted, the last one first: it has the
        content of those before as what it replaced."""
        return {id: one for id, one in reversed(self.all.items()) if one.state != "kept"}

    @property
    def interrupted(self) -> dict[str, Unended]:
        """Those of them that nobody works on any more."""
        found = self.under_way.items()
        return {id: entry for id, entry in found if not self._is_alive(id, entry)}

    def kept(self, engine: str) -> dict[str, tuple[str, Unended]]:
        """By module, the last upgrade on *engine* that can be undone, with its ID."""
        known = self.all.items()
        found = ((id, one) for id, one in known if one.state == "kept" and one.is_on(engine))
        return {entry.modules[0]: (id, entry) for id, entry in found}

    def _is_alive(self, id: str, entry: Unended) -> bool:
        if entry.pid == os.getpid():
            return id in self._alive
        return has_run_since(entry.pid, entry.began)

    @contextmanager
    def _updated(self) -> Iterator[dict[str, Unended]]:
        with self._file.update() as data:
            yield self._checked(data)
            data.installation = self._installation()

    def _checked(self, data: UnendedData) -> dict[str, Unended]:
        if data.operations and data.installation != self._installation():
            path = self._file.path
            why = Text("another installation wrote it. {steps}", steps=_steps_without(path))
            raise SettingError(str(path), why)
        return data.operations


def _steps_without(path: Path) -> Text:
    """What to do with a journal at *path* that is of no use."""
    return Text(
        "Without it, nobody knows whether a restore was interrupted, so no module is started, and "
        "nothing is removed. Move {path} and {path}.good to another place. If a restore was "
        "interrupted, restore its modules from a backup before you start them, on the page Backups "
        "or with: aiserver-tray backup restore",
        path=path,
    )
