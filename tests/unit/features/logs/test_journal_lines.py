"""The journal as a source of lines."""

from datetime import timedelta
from typing import Any

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.features.logs.lines import JournalLines
from aiserver_tray.model import Actor
from aiserver_tray.settings.entries import (
    AlertEntry,
    ChosenEntry,
    Entry,
    OperationEntry,
    RefusedEntry,
    in_all_languages,
)
from tests.support.made import BEGIN, at


def operation(**changes: Any) -> OperationEntry:  # noqa: ANN401 - its fields
    return OperationEntry(
        time=BEGIN, id="o", actor=Actor("tray"), operation="up", modules=("web",), pid=1, **changes
    )


def taken(lines: JournalLines, *entries: Entry) -> list[tuple[str, str]]:
    return [(line.level, line.text) for line in lines.take(entries, "en")]


def test_an_operation_has_a_line_for_its_begin_and_its_end() -> None:
    lines = JournalLines(0)
    assert taken(lines, operation()) == [("info", "Start: web (by tray)")]
    message = in_all_languages(Text("The image is missing.\nBuild it."))
    failed = operation(status="failed", seconds=2.06, message=message)
    assert lines.take([failed, failed], "en")[0].continues is False
    assert lines.mark.time == nanoseconds(BEGIN + timedelta(seconds=2.06))
    again = taken(JournalLines(0), failed)
    assert again[1:] == [
        ("error", "Start: web: failed: The image is missing."),
        ("error", "Build it."),
    ]
    assert taken(lines, operation(), failed) == []


def test_an_alert_has_no_line_that_a_rule_for_lines_would_find() -> None:
    alert = AlertEntry(title={"en": "Log match"}, text={"en": "lost"}, module="web", page="alerts")
    assert taken(JournalLines(0), alert) == []


def test_ends_that_are_written_late_are_not_lost() -> None:
    lines = JournalLines(0)
    taken(lines, operation(), ChosenEntry(time=at(9), modules=("web",)))
    done = operation(status="succeeded", seconds=8.0)
    assert taken(lines, done) == [("info", "Start: web: done after 8.0 s")]
    assert lines.mark.time == nanoseconds(at(9))


def test_lines_of_an_earlier_process_are_not_stored_again() -> None:
    lines = JournalLines(nanoseconds(at(5)))
    old, new = ChosenEntry(time=at(5), modules=("a",)), ChosenEntry(time=at(6), modules=("b",))
    assert taken(lines, new, old) == [("info", "Chosen modules: b")]


def test_refused_clients_are_warnings_each_time_that_they_are_counted() -> None:
    lines = JournalLines(0)
    reason = in_all_languages(Text("no key"))
    for count in (1, 2):
        entry = RefusedEntry(
            time=BEGIN, id="r", carrier="http", reason=reason, count=count, last=at(count)
        )
        ((level, text),) = taken(lines, entry)
        assert (level, "no key" in text) == ("warn", True)
