"""The event of backups."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event


class BackupEvent(TypedDict):
    """Backups have changed; `ai/backup/list` has them."""

    checking: str | None
    """the ID of the backup that is checked now"""
    share: float
    """how much of it is checked, from 0 to 1; 0 also if something else has changed"""


BACKUPS: Final = Event(
    "ai/backup/event",
    BackupEvent,
    "Backups, their schedule or the recovery key have changed, or a check has gone on.",
    key=lambda _: "",
)
