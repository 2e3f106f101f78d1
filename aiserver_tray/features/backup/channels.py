"""The channels of backups, of what restores them, and of the recovery key."""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Annotated, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts.channels import AlertsFeature
from aiserver_tray.features.backup import events as _events  # noqa: F401 - declares the event
from aiserver_tray.features.backup.views import (
    MAX_PASSPHRASE,
    MAX_PATH,
    BackupList,
    BackupOffer,
    MoveOffer,
    MoveQuestion,
    MoveRequest,
    RestoreOffer,
    RestoreQuestion,
    RestoreRequest,
)
from aiserver_tray.features.doctor.channels import DoctorFeature
from aiserver_tray.features.doctor.finding import Finding
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.features.stack.channels import OperationBegun
from aiserver_tray.model import Actor
from aiserver_tray.protocol.channel import Feature, Names, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.names import BACKUP_KEYS

if TYPE_CHECKING:
    from aiserver_tray.features.backup.backups import Backups

_ONLY_HERE = Text(
    "Backups can be restored, deleted and moved, and their key saved, only on this computer "
    "itself, at its address 127.0.0.1 or ::1."
)
"""Backups have secrets, and a restore may have files of this computer read."""


class BackupModules(Payload):
    """The modules of a backup."""

    modules: Names | None = None
    """everything without it"""
    folders: Names = ()
    """paths of folders of the owner's computer that these modules use, to be in it, too"""


class BackupIds(Payload):
    """Some backups."""

    ids: Annotated[Names, Field(min_length=1)]
    """of those that `ai/backup/list` has"""


class RecoveryKeyRequest(Payload):
    """How to save the recovery key."""

    passphrase: str = Field(min_length=1, max_length=MAX_PASSPHRASE, repr=False)
    """it protects the file, and is stored nowhere"""
    file: str | None = Field(default=None, min_length=1, max_length=MAX_PATH)
    """the absolute path of the file to write on the owner's computer; without it, the answer has
    the text"""


class RecoveryFile(TypedDict):
    """The recovery key was saved."""

    text: str
    """of the recovery file, which needs its passphrase; empty if it was written"""


class BackupFeature(Feature):
    """``ai/backup/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = Lock()
        self._is_kept = False
        """Whether the schedule is kept."""

    @cached_property
    def backups(self) -> "Backups":
        # Few need it, and encryption is slow to import.
        from aiserver_tray.features.backup.backups import Backups  # noqa: PLC0415

        return Backups(self._place)

    def recover(self) -> None:
        """See that there are keys for backups, and end the backups and restores that were
        interrupted, before anything else starts. The engine must run."""
        settings = self._place.app.settings
        with suppress(SettingError):  # the first backup fails with it
            if {*BACKUP_KEYS} - settings.secrets.names():
                from aiserver_tray.features.backup.keys import make_keys  # noqa: PLC0415 - as below

                make_keys(settings.secrets)
        try:
            unended = settings.unended.under_way
        except SettingError:  # each start of a module fails with it
            return
        if unended:
            self.backups.recover(Actor("owner", os.getpid()))

    def start(self) -> None:
        self._place.feature(DoctorFeature).add(self._findings)
        watch = self._place.feature(AlertsFeature).watch
        watch.backup_trouble = lambda: self.backups.keeper.trouble if self._is_kept else None

    def _findings(self) -> Iterable[Finding]:
        # As without an owner while there is no schedule.
        return self.backups.keeper.findings() if self._is_kept else ()

    def refresh(self) -> None:
        # Not before there is a schedule: encryption takes memory.
        with self._lock:
            if self._is_kept or not self._has_schedule:
                return
            self._is_kept = True
        self.backups.keeper.on_trouble = self._place.feature(AlertsFeature).watch.refresh
        self.backups.keeper.start()

    @property
    def _has_schedule(self) -> bool:
        try:
            return self._place.app.settings.app.backup_every != "never"
        except SettingError:  # each request for them fails with it
            return False

    def close(self) -> None:
        if "backups" in vars(self):
            self.backups.close()

    @channel("ai/backup/list")
    def _list(self) -> BackupList:
        """List the backups, with their schedule and folder, and whether the recovery key is
        saved."""
        return self.backups.list()

    @channel("ai/backup/offer")
    def _offer(self, asked: BackupModules) -> BackupOffer:
        """Tell what a backup would contain and how long each module would stand still. Changes
        nothing."""
        return self.backups.offer(asked.modules, asked.folders)

    @channel("ai/backup/create")
    def _create(self, asked: BackupModules, caller: Caller) -> OperationBegun:
        """Start to back up modules; an operation."""
        begun = self.backups.create(asked.modules, "hand", caller.actor, asked.folders)
        return {"operationId": begun.id}

    @channel("ai/backup/check")
    def _check(self, asked: BackupIds) -> None:
        """Start to check backups: hashes and databases. `ai/backup/event` tells the progress."""
        self.backups.check(asked.ids)

    @channel("ai/backup/delete")
    def _delete(self, asked: BackupIds, caller: Caller) -> None:
        """Delete backups with their files. Only for clients on the owner's computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        self.backups.delete(asked.ids)

    @channel("ai/backup/inspect")
    def _inspect(self, asked: RestoreQuestion, caller: Caller) -> RestoreOffer:
        """Tell what a backup can restore here, and what has to be decided. Changes nothing. Only
        for clients on the owner's computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return self.backups.inspect(asked)

    @channel("ai/backup/restore")
    def _restore(self, asked: RestoreRequest, caller: Caller) -> OperationBegun:
        """Start to restore modules from a backup; an operation. What they have when they stop is
        backed up. Only for clients on the owner's computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"operationId": self.backups.restore(asked, caller.actor).id}

    @channel("ai/backup/move/offer")
    def _move_offer(self, asked: MoveQuestion, caller: Caller) -> MoveOffer:
        """Tell what a file for another computer would contain. Changes nothing. Only for clients on
        the owner's computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return self.backups.moves.offer(asked)

    @channel("ai/backup/move")
    def _move(self, asked: MoveRequest, caller: Caller) -> OperationBegun:
        """Start to make one file of everything for another computer; an operation. Only for clients
        on the owner's computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"operationId": self.backups.moves.begin(asked, caller.actor).id}

    @channel("ai/backup/key/save")
    def _save(self, asked: RecoveryKeyRequest, caller: Caller) -> RecoveryFile:
        """Save the recovery key, protected by a passphrase. Only for clients on the owner's
        computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"text": self.backups.save_key(asked.passphrase, asked.file)}

    @channel("ai/backup/key/later")
    def _later(self) -> None:
        """Ask for the recovery key again in seven days."""
        self.backups.later()
