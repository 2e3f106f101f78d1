"""When backups are due, and which are kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.features.backup.keeper import (
    PERIODS,
    Every,
    Keep,
    Schedule,
    doomed,
    due,
    is_overdue,
    next_due,
)
from aiserver_tray.features.backup.views import BackupView, CheckState, Reason

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def backup(
    id: str,
    made_at: datetime,
    reason: Reason = "schedule",
    check: CheckState = "verified",
    **more: Any,  # noqa: ANN401 - fields
) -> BackupView:
    fields = {"is_whole": True, "bytes": 1, "problem": None, **more}
    return BackupView(
        id=id, made_at=made_at, reason=reason, check=check, modules=(), file="", checked_at=None,
        version="1", is_here_only=False, **fields,
    )  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        ("day", "2026-01-07 02:29", "2026-01-07 02:30"),
        ("day", "2026-01-07 02:30", "2026-01-08 02:30"),
        ("week", "2026-01-07 02:29", "2026-01-13 02:30"),
        # The clocks are set forward: this day has no 02:30.
        ("day", "2026-03-29 01:59", "2026-03-29 03:30"),
        # They are set back: this day has two, of which the first one counts.
        ("day", "2026-10-25 02:29", "2026-10-25 02:30"),
        ("day", "2026-10-25 03:00", "2026-10-26 02:30"),
    ],
)
def test_a_backup_is_due_at_its_time_of_day(every: Every, now: str, expected: str) -> None:
    schedule = Schedule(every, time(2, 30), 1)
    found = next_due(schedule, at(now), BERLIN)
    # Python finds a time that a day has twice unequal to every other one.
    assert found == at(expected).astimezone(UTC)
    assert due(schedule, at(now), found, BERLIN) == found
    assert due(schedule, found, found + timedelta(hours=1), BERLIN) is None


@given(
    schedule=st.builds(Schedule, st.sampled_from(["day", "week"]), st.times(), st.integers(0, 6)),
    since=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    hours=st.integers(0, 2000),
)
def test_one_backup_makes_up_for_all(schedule: Schedule, since: datetime, hours: int) -> None:
    begun = since.replace(tzinfo=BERLIN)
    now = begun + timedelta(hours=hours)
    found = due(schedule, begun, now, BERLIN)
    assert (found is None) == (next_due(schedule, begun, BERLIN) > now)  # type: ignore[operator]
    if found is not None:
        assert begun < found <= now
        assert due(schedule, now, now, BERLIN) is None
        # A day has 25 hours at most.
        assert now - found <= PERIODS[schedule.every] + timedelta(hours=1)


@pytest.mark.parametrize(("every", "hours"), [("day", 36), ("week", 252)])
def test_a_backup_is_overdue_after_one_and_a_half_periods(every: Every, hours: int) -> None:
    since = NOW - timedelta(hours=hours)
    assert not is_overdue(Schedule(every), since, NOW)
    assert is_overdue(Schedule(every), since - timedelta(seconds=1), NOW)
    assert (next_due(Schedule(), NOW), due(Schedule(), since, NOW)) == (None, None)
    assert not is_overdue(Schedule(), NOW - timedelta(days=99), NOW), "there is no schedule"


DAYS = [backup(f"{ago}", NOW - timedelta(days=ago)) for ago in range(100)]


def test_the_newest_of_each_day_week_and_month_and_what_the_user_made_are_kept() -> None:
    more = [backup("early", NOW - timedelta(hours=3)), *DAYS]
    gone = {*doomed(more, Keep(daily=3, weekly=3, monthly=3), UTC)}
    kept = [one.id for one in more if one.id not in gone]
    # Besides days: Sundays 29 and 22 March; 28 February, 31 January.
    assert kept == ["0", "1", "2", "9", "31", "59"]
    backups = [
        *(backup(f"new{n}", NOW - timedelta(days=n), check="unchecked") for n in range(3)),
        backup("damaged", NOW - timedelta(days=50), check="damaged", problem="bad"),
        backup("part", NOW - timedelta(days=59), is_whole=False),
        backup("proven", NOW - timedelta(days=60)),
        backup("older", NOW - timedelta(days=61)),
        backup("hand", NOW - timedelta(days=70), "hand"),
        backup("restore", NOW - timedelta(days=71), "restore"),
        backup("failed", NOW - timedelta(days=20), check="failed", bytes=None),
    ]
    assert doomed(backups, Keep(0, 0, 0)) == ["new1", "new2", "part", "older"]


@given(
    st.lists(
        st.builds(
            backup,
            st.uuids().map(str),
            st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),
            st.sampled_from(["schedule", "hand"]),
            st.sampled_from(["verified", "unchecked"]),
            is_whole=st.booleans(),
        )
    ),
    st.builds(Keep, *[st.integers(0, 5)] * 3),
)
def test_there_is_always_a_way_back(backups: Sequence[BackupView], keep: Keep) -> None:
    gone = {*doomed(backups, keep, UTC)}
    kept = [one for one in backups if one.id not in gone]
    assert all(one.reason == "schedule" for one in backups if one.id in gone)

    def newest(among: Sequence[BackupView]) -> datetime | None:
        return max((b.made_at for b in among if b.is_whole and b.check == "verified"), default=None)

    assert newest(kept) == newest(backups)
    made = [one for one in kept if one.reason == "schedule"]
    assert len(made) <= keep.daily + keep.weekly + keep.monthly + 2
    assert doomed(kept, keep, UTC) == []
