"""Backups in their folder, and those that the schedule makes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    BackupDamagedError,
    BackupError,
    BackupKeyError,
    UnknownNameError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup import index as indexing
from aiserver_tray.features.backup import keeper as keeping
from aiserver_tray.features.backup.index import Index, folder_of
from aiserver_tray.features.backup.keeper import Keeper, is_good, schedule_view
from aiserver_tray.features.backup.manifest import Manifest, ManifestEntry, ManifestModule
from aiserver_tray.features.backup.plan import BackupPlan, Group, ModulePlan
from aiserver_tray.features.backup.views import Reason
from aiserver_tray.model import Actor, OperationStatus
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationView
from aiserver_tray.system.paths import Home
from tests.support.made import operation, running_engine

DAMAGED = BackupDamagedError(Text("It is damaged."))
FOREIGN = BackupKeyError(Text("It has other keys."))
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC).astimezone().replace(hour=12)


class Files:
    """Backups in a folder, whose content is a scripted one: no other part makes it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(Home(folder / "home", "home"))
        self.index = Index(self.settings, self._read)
        self.said: dict[str, Manifest | AiServerError] = {}
        self.reads = 0
        self.seconds = 0.0
        """Of the clock that nobody sets."""

    def _read(self, path: Path) -> Manifest:
        self.reads += 1
        said = self.said[path.name]
        if isinstance(said, AiServerError):
            raise said
        return said

    def add(
        self,
        name: str,
        made_at: datetime = MONDAY,
        reason: Reason = "schedule",
        error: AiServerError | None = None,
    ) -> str:
        """The ID of a new backup."""
        folder = folder_of(self.settings)
        folder.mkdir(parents=True, exist_ok=True)
        file = f"aiserver-{name}-{reason}.zip"
        (folder / file).write_bytes(b"zip")
        module = ManifestModule("n8n", {"en": "n8n"}, "2.0", is_builtin=True)
        entry = ManifestEntry("e", "volume", "n8n", "data", 70, "")
        manifest = Manifest(
            1, "1.0", "", "", "", made_at, reason, (module,), (entry,), is_whole=True
        )
        self.said[file] = error or manifest
        return file.removesuffix(".zip")

    def shown(self) -> list[tuple[str, str]]:
        return [(view.id, view.check) for view in self.index.views()]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_each_file_is_opened_once_but_those_of_other_keys_again(files: Files) -> None:
    good = files.add("2026-03-02-1200")
    bad = files.add("2026-03-01-1200", error=DAMAGED)
    for other in ("other.zip", f"{good}.zip.part"):
        (folder_of(files.settings) / other).write_bytes(b"")
    views = {view.id: view for view in files.index.views()}
    assert {id: view.check for id, view in views.items()} == {good: "unchecked", bad: "damaged"}
    view, damaged = views[good], views[bad]
    assert (view.made_at, view.reason, view.bytes, view.is_whole) == (MONDAY, "schedule", 3, True)
    assert [(m.name, m.bytes) for m in view.modules] == [("n8n", 70)]
    assert (str(damaged.problem), damaged.reason) == ("It is damaged.", "schedule")
    assert len(Index(files.settings, files._read).views()) == 2, "of the next process"
    assert files.reads == 2
    foreign = files.add("2026-02-28-1200", error=FOREIGN)
    (view,) = (view for view in files.index.views() if view.id == foreign)
    assert (view.check, str(view.problem)) == ("unchecked", "It has other keys.")
    files.add("2026-02-28-1200")
    (view,) = (view for view in files.index.views() if view.id == foreign)
    assert (view.check, view.problem) == ("unchecked", None)


def test_a_check_counts_until_the_file_changes(files: Files) -> None:
    id = files.add("2026-03-02-1200")
    files.index.checked(id, None)
    assert files.shown() == [(id, "verified")]
    assert files.index.views(id)[0].check == "checking"
    files.index.checked(id, DAMAGED)
    assert files.shown() == [(id, "damaged")]
    files.index.checked(id, None)
    files.index.checked(id, BackupError(Text("There is no server.")))
    (view,) = files.index.views()
    assert (view.check, is_good(view)) == ("verified", True)
    assert str(view.problem).endswith("could not be carried out: There is no server.")
    files.index.path_of(id).write_bytes(b"another")
    assert files.shown() == [(id, "unchecked")]


def test_a_failed_backup_is_listed_until_it_is_deleted(files: Files) -> None:
    plan = BackupPlan((Group((ModulePlan("n8n", {"en": "n8n"}, "2.0"),)),), is_whole=True)
    files.index.failed(plan, "hand", BackupError(Text("The disk is full.")))
    (view,) = files.index.views()
    assert (view.check, view.bytes, str(view.problem)) == ("failed", None, "The disk is full.")
    assert [module.name for module in view.modules] == ["n8n"]
    files.index.delete(view.id)
    id = files.add("2026-03-02-1200")
    files.index.delete(id)
    assert files.index.views() == []
    assert not [*folder_of(files.settings).iterdir()]
    for unknown in (id, "../../settings"):
        with pytest.raises(UnknownNameError):
            files.index.delete(unknown)


class Course:
    """A keeper through the hours; what makes backups is scripted."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.state = running_engine()
        self.now = MONDAY
        self.result: AiServerError | None = None
        self.made: list[datetime] = []
        self.checked: list[str] = []
        self.checking: str | None = None
        self.keeper = self.new_keeper()

    def new_keeper(self) -> Keeper:
        return Keeper(self, self.files.settings, self.files.index, cast("Store", self))

    def set(self, **values: str) -> None:
        changes = {f"app.backup_{name}": value for name, value in values.items()}
        self.files.settings.change(APP_SETTINGS, changes)

    def create(self, modules: Sequence[str] | None, reason: Reason, actor: Actor) -> OperationView:
        assert (modules, reason, actor.kind) == (None, "schedule", "owner")
        self.made.append(self.now)
        if self.result:
            raise self.result
        self.files.add(f"{self.now:%Y-%m-%d-%H%M}", self.now)
        return self.operate("running")

    def operate(self, status: OperationStatus) -> OperationView:
        """The only operation is now in *status*."""
        view = operation("backup", status=status)
        self.state = replace(self.state, operations=(view,))
        return view

    def check(self, ids: Sequence[str]) -> None:
        self.checked += ids
        (self.checking,) = ids

    def delete(self, ids: Sequence[str]) -> None:
        for id in ids:
            self.files.index.delete(id)

    def time(self) -> float:
        return self.now.timestamp()

    def rest(self, seconds: float) -> None:
        """Nothing but time passes."""
        for _ in range(4):
            self.files.seconds += seconds / 4
            self.keeper.tick(self.now)

    def until(self, hours: float) -> list[float]:
        """The hours since Monday noon at which backups began until then, of which each succeeds."""
        before = len(self.made)
        while self.now < MONDAY + timedelta(hours=hours):
            self.now += timedelta(minutes=15)
            self.keeper.tick(self.now)
            if self.checking:
                self.files.index.checked(self.checking, None)
                self.checking = None
            if self.state.operations and self.state.operations[0].status == "running":
                self.operate("succeeded")
        return [(at - MONDAY) / timedelta(hours=1) for at in self.made[before:]]


@pytest.fixture
def course(files: Files, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setattr(keeping, "clock", lambda: files.seconds)
    course = Course(files)
    monkeypatch.setattr(indexing, "time", SimpleNamespace(time=course.time))
    return course


def test_the_schedule_makes_checks_and_thins_out_backups(course: Course) -> None:
    assert course.until(30) == []
    course.set(every="day", time="13:00", keep_daily="2", keep_weekly="0", keep_monthly="0")
    # A new schedule makes up for nothing.
    assert course.until(110) == [49, 73, 97]
    assert len(course.checked) == 3
    assert [check for _, check in course.files.shown()] == ["verified"] * 2
    view = schedule_view(course.files.settings.app, course.files.index, course.files.index.views())
    assert (view.every, view.time, view.keep_daily) == ("day", "13:00", 2)
    assert view.next_at
    assert course.keeper.trouble is None


def test_what_was_missed_is_made_up_for_once_modules_are_back(course: Course) -> None:
    course.set(every="day", time="13:00")
    course.until(0.5)
    course.now += timedelta(days=3)
    course.keeper = course.new_keeper()
    course.keeper.start()  # its thread looks at the clock of this computer, and rests
    course.keeper.close()
    course.rest(keeping.REST_SECONDS - 1)
    assert course.until(73) == []
    course.state = replace(course.state, engine=replace(course.state.engine, running=False))
    course.rest(1)
    assert course.until(74) == []
    course.state = running_engine()
    course.operate("waiting")
    assert course.until(75) == []
    course.operate("failed")
    assert course.until(90) == [75.25]
    # A sleep is a start, too.
    course.now += timedelta(days=1)
    course.files.seconds += 8 * 3600
    assert course.until(115) == []
    course.rest(keeping.REST_SECONDS)
    assert course.made[1:] == [course.now]


def test_a_failed_backup_is_tried_again_once_a_cancelled_one_not(course: Course) -> None:
    told: list[str] = []
    course.keeper.on_trouble = lambda: told.append(f"{course.keeper.trouble}")
    course.set(every="day", time="13:00")
    course.result = BackupError(Text("The disk is full."))
    assert course.until(1.75) == [1]
    assert told == []
    assert course.until(20) == [2]
    assert [text.partition("failed")[2] for text in told] == [": The disk is full."]
    course.result = None
    assert course.until(30) == [25]
    assert (course.keeper.trouble, len(told)) == (None, 2)
    course.until(48.75)
    course.now += timedelta(minutes=15)
    course.keeper.tick(course.now)
    (newest, *_) = course.files.index.views()
    course.files.index.delete(newest.id)
    course.operate("cancelled")
    assert course.until(70) == []


def test_a_clock_that_was_wrong_stops_no_schedule(course: Course) -> None:
    course.set(every="day", time="13:00")
    course.now += timedelta(days=365)
    assert len(course.until(365 * 24 + 2)) == 1
    course.now = MONDAY
    assert course.until(30) == [1, 25]


def test_no_good_backup_for_too_long_is_trouble(course: Course) -> None:
    course.set(every="day", time="13:00")
    course.state = replace(course.state, engine=replace(course.state.engine, running=False))
    course.until(35)
    assert course.keeper.trouble is None
    course.until(37)
    assert str(course.keeper.trouble) == "No good backup has been made yet."
    assert [(one.name, one.grade) for one in course.keeper.findings()] == [("backups", "problem")]
    course.set(every="never")
    course.until(38)
    assert course.keeper.trouble is None
    (finding,) = course.keeper.findings()
    assert finding.grade == "fact"
    assert str(finding.text).startswith("No backups are made by")


def test_the_doctor_says_what_a_backup_on_the_same_disk_is_worth(course: Course) -> None:
    course.set(every="day", time="13:00")
    course.until(3)
    assert [one.grade for one in course.keeper.findings()] == ["ok", "note"]
    folder = folder_of(course.files.settings)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_bytes(b"")
    assert [one.grade for one in course.keeper.findings()] == ["problem"]
