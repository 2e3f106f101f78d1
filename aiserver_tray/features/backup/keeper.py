"""Makes the backups of the schedule, checks them, and deletes those that are not kept."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from threading import Event, Thread
from typing import Final, Literal, Protocol

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.index import BackupsData, Index, folder_of, folder_problem
from aiserver_tray.features.backup.plan import BackupPlan
from aiserver_tray.features.backup.views import BackupView, Reason, ScheduleView
from aiserver_tray.features.doctor.finding import Finding
from aiserver_tray.model import Actor
from aiserver_tray.settings.app_settings import AppSettings
from aiserver_tray.settings.names import BACKUP_FOLDER
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationView
from aiserver_tray.system.chosen_folder import disk_of
from aiserver_tray.system.clock import clock

# -- when backups are due, and which are not kept; the time is an argument ------------------------

Every = Literal["never", "day", "week"]

PERIODS: Final = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
_OVERDUE_PERIODS: Final = 1.5
_DAY, _WEEK, _MONTH = "%Y-%m-%d", "%G-%V", "%Y-%m"


@dataclass(frozen=True)
class Schedule:
    """When backups are made by themselves, by the local clock."""

    every: Every = "never"
    at: time = time(3)
    weekday: int = 0
    """Of a weekly one. 0: Monday."""

    @property
    def key(self) -> str:
        """A text that changes with it; empty if nothing is made."""
        return "" if self.every == "never" else f"{self.every} {self.at:%H:%M} {self.weekday}"

    def on(self, day: date, zone: tzinfo | None = None) -> datetime:
        """The time of the backup on *day* in *zone*; None: the local one. A time that the day does
        not have, because clocks are set forward, is an hour later. Of a time that it has twice, the
        first one counts."""
        return datetime.combine(day, self.at, zone).astimezone(UTC)


@dataclass(frozen=True)
class Keep:
    """How many backups are kept: the newest one of each of so many days, weeks and months."""

    daily: int
    weekly: int
    monthly: int


def next_due(schedule: Schedule, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """The first time after *now* at which a backup is to be made. None: never."""
    found = (at for at in _around(schedule, now, zone) if at > now)
    return min(found, default=None)


def due(
    schedule: Schedule, since: datetime, now: datetime, zone: tzinfo | None = None
) -> datetime | None:
    """The latest time at which a backup was to be made, if it is after *since*, when the last one
    began. So one backup makes up for all that were missed. None: nothing is due."""
    found = (at for at in _around(schedule, now, zone) if since < at <= now)
    return max(found, default=None)


def is_overdue(schedule: Schedule, good: datetime, now: datetime) -> bool:
    """Whether there was no good backup for one and a half periods. *good*: when the last one was
    made, or since when there is a schedule."""
    period = PERIODS.get(schedule.every)
    return period is not None and now - good > _OVERDUE_PERIODS * period


def _around(schedule: Schedule, now: datetime, zone: tzinfo | None) -> Iterator[datetime]:
    """The times of backups in the week before *now* and in the one after it."""
    today = now.astimezone(zone).date()
    for days in range(-8, 9):
        day = today + timedelta(days=days)
        if schedule.every == "day" or (
            schedule.every == "week" and day.weekday() == schedule.weekday
        ):
            yield schedule.on(day, zone)


def is_good(backup: BackupView) -> bool:
    """Whether it can be restored, as far as is known."""
    is_read = backup.problem is None or bool(backup.modules)  # nothing is known of what is not
    return backup.bytes is not None and is_read and backup.check not in ("damaged", "failed")


def last_good(backups: Iterable[BackupView]) -> BackupView | None:
    """The newest good backup of everything that could be backed up."""
    found = (b for b in backups if is_good(b) and (b.is_whole or b.reason == "schedule"))
    return max(found, key=lambda backup: backup.made_at, default=None)


def doomed(backups: Iterable[BackupView], keep: Keep, zone: tzinfo | None = None) -> list[str]:
    """The IDs of the *backups* that are not to be kept: those that the schedule made and that are
    the newest of no kept day, week or month. The newest one, and the newest whole and verified one
    are always kept; so are damaged ones, which the user may want to look at."""
    newest_first = sorted(filter(is_good, backups), key=lambda one: one.made_at, reverse=True)
    thinned = [one for one in newest_first if one.reason == "schedule"]
    proven = [one for one in newest_first if one.is_whole and one.check == "verified"]
    kept = {one.id for one in (*thinned[:1], *proven[:1])}
    for count, period in ((keep.daily, _DAY), (keep.weekly, _WEEK), (keep.monthly, _MONTH)):
        first: dict[str, str] = {}
        for one in thinned:
            first.setdefault(f"{one.made_at.astimezone(zone):{period}}", one.id)
        kept |= {*[*first.values()][:count]}
    return [one.id for one in thinned if one.id not in kept]


# -- the schedule at work --------------------------------------------------------------------------

TICK_SECONDS: Final = 30.0
_LOOK: Final = timedelta(minutes=10)
"""Between two looks at the folder while nothing happens: its disk may sleep."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
REST_SECONDS: Final = 120.0
"""Seconds after a start or a sleep in which no backup begins: modules come back by themselves."""
RETRY_SECONDS: Final = 3600.0
"""Seconds after the begin of a failed backup until it is tried again, once."""
_SLEEP_SECONDS: Final = 30.0
_CLOSE_TIMEOUT_SECONDS: Final = 2.0

_logger = logging.getLogger(__name__)


class Backups(Protocol):
    """What the keeper asks of the facade. If `create` raises, it has recorded no failure."""

    def create(
        self, modules: Sequence[str] | None, reason: Reason, actor: Actor
    ) -> OperationView: ...
    def check(self, ids: Sequence[str]) -> None: ...
    def delete(self, ids: Sequence[str]) -> None: ...
    @property
    def checking(self) -> str | None:
        """The ID of the backup that is checked now, or will be."""


class Keeper:
    """Keeps the schedule in *settings*, in a thread of its own, while the owner runs."""

    def __init__(self, backups: Backups, settings: Settings, index: Index, store: Store) -> None:
        self._backups = backups
        self._settings = settings
        self._index = index
        self._store = store
        self._operation: str | None = None
        """The ID of the running backup of the schedule."""
        self._is_to_thin = False
        self._looked_at = _NEVER
        self._seen_at = self._ready_at = clock()
        self.trouble: Text | None = None
        """Why there is no recent good backup, for the alert rule. None: there is one, or there is
        no schedule."""
        self.on_trouble: Callable[[], object] = lambda: None
        """Called when `trouble` has changed."""
        self._closing = Event()
        self._thread = Thread(target=self._run, name="backups", daemon=True)

    def start(self) -> None:
        """Begin with the backups that were missed."""
        self._ready_at = clock() + REST_SECONDS
        self._thread.start()

    def close(self) -> None:
        """Make no more backups; a running one goes on."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.tick(datetime.now(UTC))
            except AiServerError as error:
                _logger.warning("the backups can't be looked after: %s", error)
            except Exception as bug:  # noqa: BLE001 - the next look may succeed
                log_bug(_logger, "looking after the backups failed", bug)
            self._closing.wait(TICK_SECONDS)

    def tick(self, now: datetime) -> None:
        """Do what is due at *now*."""
        seen_at, self._seen_at = self._seen_at, clock()
        if self._seen_at - seen_at > TICK_SECONDS + _SLEEP_SECONDS:
            self._ready_at = self._seen_at + REST_SECONDS
        self._thin()
        self._finish()
        schedule = schedule_of(self._settings.app)
        if self._has_begun(schedule, now) and self._may_begin():
            self._begin(schedule, now)
        if abs(now - self._looked_at) >= _LOOK:
            self._looked_at = now
            self._look(schedule, now)

    def _has_begun(self, schedule: Schedule, now: datetime) -> bool:
        """Whether *schedule* is the one that is followed. A new one begins *now*; so does one that
        began after *now*, before the clock was set back."""
        data, at = self._index.data(), now.timestamp()
        is_same = data.schedule == schedule.key
        if not is_same or max(data.scheduled_at, data.begun_at) > at:
            with self._index.update() as data:
                data.schedule = schedule.key
                data.scheduled_at = min(data.scheduled_at, at) if is_same else at
                data.begun_at = min(data.begun_at, at)
                data.retry_at = data.retry_at if is_same else None
        return is_same and schedule.every != "never"

    def _may_begin(self) -> bool:
        state = self._store.state
        is_at_rest = all(operation.is_over for operation in state.operations)
        return state.engine.running and is_at_rest and clock() >= self._ready_at

    def _begin(self, schedule: Schedule, now: datetime) -> None:
        data = self._index.data()
        since = datetime.fromtimestamp(max(data.scheduled_at, data.begun_at), UTC)
        is_new = due(schedule, since, now) is not None
        left = None if data.retry_at is None else data.retry_at - now.timestamp()
        # If the clock was set back, more is left than ever.
        is_again = left is not None and not 0 < left <= RETRY_SECONDS
        if not is_new and not is_again:
            return
        self._looked_at = _NEVER
        with self._index.update() as data:
            # Written first, so that a backup that ends this process is not tried again and again.
            data.begun_at = now.timestamp()
            data.retry_at = data.begun_at + RETRY_SECONDS if is_new else None
        try:
            self._operation = self._backups.create(None, "schedule", Actor("owner")).id
        except AiServerError as error:
            self._index.failed(BackupPlan(()), "schedule", error)

    def _finish(self) -> None:
        """See to the backup of the schedule that has ended."""
        operations = {one.id: one for one in self._store.state.operations}
        view = operations.get(self._operation or "")
        if self._operation is None or (view and not view.is_over):
            return
        self._operation, self._looked_at = None, _NEVER
        data = self._index.data()
        views = (one for one in self._index.views() if one.reason == "schedule" and is_good(one))
        made = next((one for one in views if one.made_at.timestamp() >= data.begun_at), None)
        if made or (view and view.status == "cancelled"):
            with self._index.update() as data:
                data.retry_at = None
        if made:
            self._is_to_thin = True
            self._backups.check([made.id])

    def _thin(self) -> None:
        """Delete what is not kept, once the newest backup is checked: a damaged one takes no other
        one's place."""
        if self._is_to_thin and self._backups.checking is None:
            self._is_to_thin, self._looked_at = False, _NEVER
            app = self._settings.app
            keep = Keep(app.backup_keep_daily, app.backup_keep_weekly, app.backup_keep_monthly)
            if ids := doomed(self._index.views(), keep):
                self._backups.delete(ids)

    def _look(self, schedule: Schedule, now: datetime) -> None:
        """Refresh `trouble`."""
        views, data = self._index.views(), self._index.data()
        before, self.trouble = self.trouble, None
        if schedule.every != "never":
            self.trouble = _overdue(schedule, views, data, now)
            if self._operation is None and data.retry_at is None:
                self.trouble = _failure(views) or self.trouble
        if self.trouble != before:
            self.on_trouble()

    def findings(self) -> Iterator[Finding]:
        """What the doctor says about backups."""
        app, folder = self._settings.app, folder_of(self._settings)
        good = last_good(self._index.views())
        if self.trouble:
            yield Finding("backups", "problem", self.trouble)
        elif good:
            text = Text("The last good backup was made at {time}.", time=_local(good.made_at))
            yield Finding("backups", "ok", text)
        if app.backup_every == "never":
            text = Text(
                "No backups are made by themselves. Choose when with: aiserver-tray config set "
                "app.backup_every day"
            )
            yield Finding("backups", "fact", text)
        if why := folder_problem(self._settings):
            text = Text("No backups can be made: {why}.", why=why)
            yield Finding("backups", "problem" if app.backup_every != "never" else "note", text)
        elif good and disk_of(folder) == disk_of(self._settings.folder):
            text = Text(
                "The backups in {folder} are on the disk that also has your data. If it breaks, "
                "both are lost. Choose a folder on another disk with: aiserver-tray config set "
                "{setting} FOLDER",
                folder=folder,
                setting=BACKUP_FOLDER,
            )
            yield Finding("backups", "note", text)


def schedule_of(app: AppSettings) -> Schedule:
    """The schedule in the settings."""
    return Schedule(app.backup_every, time.fromisoformat(app.backup_time), app.backup_weekday)


def schedule_view(app: AppSettings, index: Index, views: Sequence[BackupView]) -> ScheduleView:
    """The schedule in the settings as clients get it. *views*: all backups of *index*."""
    schedule, now = schedule_of(app), datetime.now(UTC)
    return ScheduleView(
        every=schedule.every,
        time=f"{schedule.at:%H:%M}",
        weekday=schedule.weekday,
        keep_daily=app.backup_keep_daily,
        keep_weekly=app.backup_keep_weekly,
        keep_monthly=app.backup_keep_monthly,
        next_at=next_due(schedule, now),
        is_overdue=_overdue(schedule, views, index.data(), now) is not None,
    )


def _overdue(
    schedule: Schedule, views: Sequence[BackupView], data: BackupsData, now: datetime
) -> Text | None:
    good = last_good(views)
    begun = datetime.fromtimestamp(data.scheduled_at, UTC)
    if data.schedule != schedule.key or not is_overdue(
        schedule, max(begun, good.made_at) if good else begun, now
    ):
        return None
    if good is None:
        return Text("No good backup has been made yet.")
    return Text("No good backup has been made since {time}.", time=_local(good.made_at))


def _failure(views: Sequence[BackupView]) -> Text | None:
    """Why the last backup of the schedule is none. None: it is one."""
    last = next((one for one in views if one.reason == "schedule"), None)
    if last is None or is_good(last):
        return None
    values = {"time": _local(last.made_at), "why": last.problem}
    if last.bytes is None:
        return Text("The backup of {time} failed: {why}", **values)
    return Text("The backup of {time} is damaged: {why}", **values)


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
