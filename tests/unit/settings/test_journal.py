"""The journal: whole lines only, from any number of processes, of limited age and size."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.features.activity.channels import JournalFeed
from aiserver_tray.model import Actor
from aiserver_tray.settings import journal as journals
from aiserver_tray.settings.changes import change_setting, choose_modules, forget_setting
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.entries import (
    ActivityStep,
    ChosenEntry,
    Entry,
    OperationEntry,
    OwnerEntry,
    RefusedEntry,
    SettingEntry,
    entry_of,
    in_all_languages,
    line_of,
    shortened,
)
from aiserver_tray.settings.journal import Journal, Range
from aiserver_tray.settings.store import Settings
from tests.support.systems import has_mode, on_linux

NOW = datetime.now(UTC)
COMMAND = Actor("command", 7)

WRITER = """
import sys
from pathlib import Path
from aiserver_tray.settings.entries import ChosenEntry
from aiserver_tray.settings.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    journal.add(ChosenEntry(modules=(sys.argv[2], str(number))))
    print(number, flush=True)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "home")


def chosen(*modules: str, days: float = 0, id: str | None = None) -> ChosenEntry:
    """An entry that is so many *days* old."""
    given: dict[str, Any] = {} if id is None else {"id": id}
    return ChosenEntry(time=NOW - timedelta(days=days), modules=modules, **given)


def names(entries: list[Entry]) -> list[str]:
    """The modules of *entries*, the newest first."""
    return [" ".join(entry.modules) for entry in entries if isinstance(entry, ChosenEntry)]


def writer(folder: Path, name: str, count: int) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", WRITER, str(folder), name, str(count)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def test_entries_come_back_the_newest_first(journal: Journal) -> None:
    assert journal.read() == []
    entries = [chosen("a", days=2), chosen("b", days=1), chosen("c")]
    for entry in entries:
        journal.add(entry)
    assert journal.read() == entries[::-1]
    assert has_mode(journal.path, 0o600)


def test_a_feed_reports_each_new_entry_once_also_after_old_ones_were_removed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.add(chosen("a", id="before"))
    told: list[str] = []
    feed = JournalFeed(journal, lambda entry: told.append(entry.id))
    other = Journal(journal.path.parent)
    other.add(chosen("b", id="foreign"))
    feed.check()
    journal.path.write_bytes(journal.path.read_bytes() + b"[]\n")  # damaged
    journal.add(chosen("c", id="own"))
    monkeypatch.setattr(journals, "MAX_BYTES", 300)
    other.add(chosen("d", id="last"))
    feed.check()
    feed.check()
    assert [entry.id for entry in journal.read()] == ["last"]
    assert told == ["foreign", "own", "last"]


ENTRIES: list[Entry] = [
    chosen("a", "é"),
    SettingEntry(
        time=NOW.replace(microsecond=0), actor=COMMAND, address="a.B", is_reset=True, value=None
    ),
    OperationEntry(
        time=NOW.astimezone(timezone(timedelta(hours=2))),
        operation="up",
        modules=("a",),
        pid=1,
        seconds=0.25,
        message={"en": "no", "zh": "否"},
        steps=(ActivityStep(kind="start", subject="a/b", module="a", service="b", status="done"),),
    ),
    RefusedEntry(carrier="http", reason={"en": "no", "zh": "否"}, count=2, last=NOW),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.kind)
def test_a_line_has_the_form_that_models_write(entry: Entry) -> None:
    assert line_of(entry) == TypeAdapter(type(entry)).dump_json(entry) + b"\n"
    assert entry_of(line_of(entry)) == entry


@pytest.mark.parametrize(
    "damage",
    [
        (b'"kind":"refused"', b'"kind":"later"'),
        (b'"count":2', b'"count":"many"'),
        (b'"carrier":"http",', b""),
        (b'Z","id"', b'","id"'),  # a time without a zone
        (b'Z"}', b'"}'),
    ],
)
def test_a_line_that_is_no_entry_is_damaged(damage: tuple[bytes, bytes]) -> None:
    line = line_of(ENTRIES[-1])
    assert line.count(damage[0]) == 1
    assert entry_of(line.replace(*damage)) is None


def test_a_damaged_line_costs_itself_and_an_unfinished_one_is_removed(journal: Journal) -> None:
    journal.add(chosen("a"))
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + whole[:40])
    assert names(journal.read()) == ["a"]
    journal.add(chosen("b"))
    assert names(journal.read()) == ["b", "a"]
    assert journal.path.read_bytes().startswith(whole + b'{"time"')
    journal.path.write_bytes(b'{"time":')
    journal.add(chosen("c"))
    assert names(journal.read()) == ["c"]
    with journal.path.open("ab") as file:
        file.write(b'\x00\xff{"kind":"chosen"\n{"kind":"later"}\n')
    journal.add(chosen("begun", id="1"))
    journal.add(chosen("other"))
    journal.add(chosen("ended", id="1"))
    assert sorted(names(journal.read())) == ["c", "ended", "other"], "the last line of an id counts"


def test_processes_that_write_together_lose_nothing(journal: Journal) -> None:
    writers = [writer(journal.path.parent, name, 100) for name in ("a", "b")]
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    wanted = [f"{name} {number}" for name in ("a", "b") for number in range(100)]
    assert sorted(names(journal.read())) == sorted(wanted)
    assert len(journal.path.read_bytes().splitlines()) == 200


def test_a_killed_writer_loses_nothing_that_it_finished(journal: Journal) -> None:
    finished = 0
    for turn in range(3):
        with writer(journal.path.parent, str(turn), 10_000) as process:
            assert process.stdout
            for _ in range(20):
                process.stdout.readline()
            process.kill()
            finished += 20 + len(process.stdout.read().splitlines())
    journal.add(chosen("after"))
    assert len(journal.read()) >= finished + 1


def test_entries_older_than_90_days_are_not_shown_and_then_removed(journal: Journal) -> None:
    journal.add(chosen("old", days=90.5))
    journal.add(chosen("young", days=89))
    assert names(journal.read()) == ["young"]
    assert b"old" in journal.path.read_bytes(), "it is not rewritten each day"
    journal.path.unlink()
    journal.add(chosen("older", days=92))
    journal.add(chosen("young", days=89))
    assert names(journal.read()) == ["young"]
    assert b"older" not in journal.path.read_bytes()


def test_a_full_journal_loses_its_older_half(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "MAX_BYTES", 10_000)
    for number in range(500):
        journal.add(chosen(f"m{number}", days=1 - number / 1000))
        assert journal.path.stat().st_size <= 10_000
    found = names(journal.read())
    assert found == [f"m{499 - number}" for number in range(len(found))]
    assert len(found) > 20
    assert has_mode(journal.path, 0o600)


def test_a_range_selects(journal: Journal) -> None:
    for name, days in (("a", 3), ("b", 2), ("c", 1)):
        journal.add(chosen(name, days=days))
    journal.add(OwnerEntry(owner="tray", event="started", pid=1))
    past = NOW - timedelta(days=2.5)
    late = NOW - timedelta(days=0.5)
    assert names(journal.read(Range(since=past))) == ["c", "b"]
    assert names(journal.read(Range(since=past, until=late, limit=1))) == ["c"]
    assert len(journal.read(Range(kinds=frozenset({"owner"})))) == 1


@pytest.mark.parametrize("fault", [pytest.param("full disk", marks=on_linux), "no folder"])
def test_a_failure_is_logged_once_and_raises_nothing(
    journal: Journal, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = journal.path.parent
    if fault == "no folder":
        folder.write_text("a file")
    else:
        folder.mkdir()
        journal.path.symlink_to("/dev/full")
    journal.add(chosen("a"))
    journal.add(chosen("b"))
    told = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == 1
    (journal.path if fault == "full disk" else folder).unlink()
    journal.add(chosen("c"))
    assert names(journal.read()) == ["c"]


def test_changes_are_recorded_without_secrets(settings: Settings, declared: Declared) -> None:
    with pytest.raises(SettingError, match="HOST_PORT"):
        change_setting(settings, declared, "n8n.HOST_PORT", "none", COMMAND)
    assert settings.journal.read() == [], "it was refused"
    change_setting(settings, declared, "n8n.HOST_PORT", "18101", COMMAND)
    change_setting(settings, declared, "n8n.API_KEY", "of-somebody", Actor("window", 8))
    change_setting(settings, declared, "NOTE", "mine", Actor("tray"))
    change_setting(settings, declared, "n8n.NOTE", None, COMMAND)
    gone: Declared = {"gone.NAME": Setting()}
    change_setting(settings, gone, "gone.NAME", "x", COMMAND)
    forget_setting(settings, "gone.NAME", COMMAND)
    choose_modules(settings, ["n8n", "n8n", "dify"], Actor("browser"))
    found = settings.journal.read()[::-1]
    told = [(e.address, e.value, e.is_reset) for e in found if isinstance(e, SettingEntry)]
    assert told == [
        ("n8n.HOST_PORT", "18101", False),
        ("n8n.API_KEY", None, False),
        ("n8n.NOTE", "mine", False),
        ("n8n.NOTE", None, True),
        ("gone.NAME", "x", False),
        ("gone.NAME", None, True),
    ]
    assert [e.actor for e in found[:3]] == [COMMAND, Actor("window", 8), Actor("tray")]
    assert names(found) == ["n8n dify"]
    assert settings.chosen == ("n8n", "dify")
    assert b"of-somebody" not in settings.journal.path.read_bytes()


def test_a_text_is_kept_in_every_language_and_has_a_limit(journal: Journal) -> None:
    broken = Text("{name} was reset", name="\udcff" + "x" * 10_000)
    message = in_all_languages(broken)
    assert {*message} == {"en", "zh"}
    assert message["en"].startswith("\\udcff")
    assert all(len(text) < 4100 for text in message.values())
    journal.add(
        OperationEntry(operation="up", modules=(), pid=os.getpid(), code="E", message=message)
    )
    (entry,) = journal.read()
    assert isinstance(entry, OperationEntry)
    assert entry.message == message
    assert shortened("short") == "short"
