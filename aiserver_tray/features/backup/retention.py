"""When backups are due, and which are not kept. Pure: the time is an argument."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from aiserver_tray.features.backup.views import BackupView

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
