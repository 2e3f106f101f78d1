"""Backups as the owner answers them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Language, LocalText, Text
from aiserver_tray.features.backup.plan import Omitted
from aiserver_tray.features.backup.views import (
    BackupList,
    BackupModuleView,
    BackupOffer,
    BackupView,
    CheckState,
    Decision,
    MovedView,
    MoveOffer,
    PlannedModule,
    Reason,
    RecoveryKeyView,
    RestorableModule,
    RestoreOffer,
    ScheduleView,
)
from aiserver_tray.protocol.message import Json
from tests.support import states

MB: Final = 1 << 20
TITLES: Final[dict[str, LocalText]] = {
    name: {"en": states.TITLES[name][0]} for name in ("n8n", "dify", "oneapi")
}
FOLDER = "/mnt/backups/AI-Server"


def night(days: int = 0, hour: int = 3, minute: int = 0) -> datetime:
    """A time so many days ago, here."""
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days) + timedelta(hours=hour, minutes=minute)


def backup(
    id: str,
    made_at: datetime,
    reason: Reason = "schedule",
    *names: str,
    check: CheckState = "verified",
    size: int = 1900,
) -> BackupView:
    """A backup of the modules *names*, or of all of them."""
    modules = tuple(BackupModuleView(n, TITLES[n], "2.41.3", 212 * MB) for n in names or TITLES)
    is_checked = check in ("verified", "damaged")
    return BackupView(
        id=id,
        made_at=made_at,
        reason=reason,
        modules=modules,
        is_whole=not names,
        bytes=None if check == "failed" else size * MB,
        file=f"{FOLDER}/{id}.zip",
        check=check,
        checked_at=made_at + timedelta(minutes=6) if is_checked else None,
        problem=Text("The folder is full: it needs 1.9 GB, and 0.4 GB are free.")
        if check == "failed"
        else None,
        version="0.2.0",
        is_here_only=id == "hand",
    )


BACKUPS: Final = (
    backup("today", night()),
    backup("upgrade", night(1, 10, 41), "upgrade", "n8n", size=212),
    backup("yesterday", night(1)),
    backup("hand", night(3, 21, 40), "hand", "n8n", "dify", check="unchecked", size=1100),
    backup("failed", night(3), check="failed"),
    backup("damaged", night(7), check="damaged", size=1700),
)
SCHEDULE: Final = ScheduleView(
    "day", "03:00", 0, 7, 4, 3, night(-1).astimezone(UTC), is_overdue=False
)
KEY: Final = RecoveryKeyView(None, remind=True, public="age1")
LISTED: Final = BackupList(BACKUPS, FOLDER, None, 412 << 30, SCHEDULE, KEY, None, None, None, None)
MOVED: Final = MovedView(
    "/media/stick/everything.zip", night(0), 8 << 30, has_images=True, is_stopped=False
)
NONE: Final = replace(LISTED, backups=(), key=replace(KEY, remind=False))
AWAY: Final = Text("The folder can't be reached: the drive isn't connected.")
OVERDUE: Final = replace(
    LISTED,
    backups=(backup("week", night(7), size=1700),),
    folder_problem=AWAY,
    schedule=replace(SCHEDULE, is_overdue=True),
)

MOVE: Final = MoveOffer(
    "/home/ada/everything.zip",
    tuple(TITLES.values()),
    ("/srv/files",),
    images=9,
    image_bytes=6 << 30,
    file_bytes=8 << 30,
    is_key_saved=True,
    blockers=(),
)
OFFER: Final = BackupOffer(
    modules=tuple(
        PlannedModule(
            name=name,
            title=TITLES[name],
            group=group,
            seconds=seconds,
            bytes=size * MB,
            databases=(f"{name} (PostgreSQL)",),
            volumes=(f"{name}_data",),
            folders=("/srv/files",) if name == "n8n" else (),
            omitted=(Omitted("cache", Text("It is made again.")),) if name == "dify" else (),
            has_secrets=True,
        )
        for group, (name, seconds, size) in enumerate(
            [("n8n", 12.0, 212), ("dify", 38.0, 1024), ("oneapi", None, 12)]
        )
    ),
    engine_bytes=1024 * MB,
    file_bytes=1300 * MB,
    blockers=(),
)


def _restorable(name: str, size: int, parts: str, together: Sequence[str] = ()) -> RestorableModule:
    return RestorableModule(
        name=name,
        title=TITLES.get(name, {"en": name}),
        version="2.41.3",
        bytes=size * MB,
        parts=Text("{parts}", parts=parts),
        together=tuple(together),
        problem=None,
        seconds=12.0,
        uninstalled=False,
    )


CONTENTS: Final = RestoreOffer(
    id="today",
    made_at=night(),
    is_from_here=True,
    is_move=False,
    computer="desk",
    version="0.2.0",
    check="verified",
    checked_at=night(minute=6),
    modules=(
        _restorable("n8n", 212, "Its database on PostgreSQL, its files, settings and secrets"),
        _restorable("dify", 1024, "Its databases, its files and the indexes of its knowledge"),
        _restorable("oneapi", 12, "Its database, settings and secrets", ["ragflow"]),
        _restorable("ragflow", 300, "Its documents and their index", ["oneapi"]),
        _restorable("elasticsearch", 20, "Its files"),
    ),
    decisions=(),
    blockers=(),
    engine_bytes=1 << 30,
)
ASKED: Final = replace(
    CONTENTS,
    decisions=(
        Decision(
            "n8n.N8N_HOST_PORT",
            "port",
            Text("Port"),
            Text("Port {port} is in use by {owner}.", port="18100", owner="node.exe"),
            "18101",
        ),
        Decision(
            "n8n.triggers",
            "triggers",
            Text("Triggers of {name}", name="n8n"),
            Text(
                "The installation that made the backup may still run. If the triggers stay off, "
                "nothing is done twice until you turn them on again."
            ),
            "off",
        ),
    ),
)


def sent(
    value: BackupList | BackupOffer | MoveOffer | RestoreOffer | BackupView,
    language: Language = "en",
) -> Json:
    """*value* as clients get it."""
    return dict(to_json(value, language))


def running() -> tuple[Json, Json]:
    """A snapshot in which a backup is under way, and its operation with the steps."""
    done = {"status": "done", "began": 0.0, "seconds": 4.0, "service": None}
    now = {"status": "running", "began": 6.0, "service": None}
    steps = [
        states.step("clone", "n8n_data", "n8n", **done),
        states.step("pack", "n8n_data", "n8n", **now, current=80 * MB, total=212 * MB),
        states.step("clone", "dify_data", "dify", **now),
        states.step("pack", "dify_data", "dify", service=None, total=1024 * MB),
        states.step("proof", "today.zip", "", service=None, total=1248 * MB),
        states.step("clone", "oneapi_data", "oneapi", service=None),
        states.step("pack", "oneapi_data", "oneapi", service=None, total=12 * MB),
    ]
    names = ("n8n", "dify", "oneapi", "postgres")
    more = {"text": "copying dify_data", "secondsLeft": 62.0, "done": 1, "total": 3, "share": 0.46}
    operation = states.operation("backup", *names, **more)
    modules = [states.module(name, "running") for name in ("n8n", "oneapi", "postgres", "redis")]
    shown = states.snapshot(
        "running", *modules, states.module("dify", "stopping"), operations=[operation]
    )
    return shown, operation | {"detail": None, "steps": steps}
