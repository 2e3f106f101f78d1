"""Where a log is read on, which of its lines are new, and the journal as a source of lines."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.logs.lines import JournalLines, Position
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

SECOND = 10**9


def ns(seconds: float) -> int:
    return round(seconds * 1000) * 10**6


def out(seconds: float) -> LogLine:
    return LogLine("stdout", ns(seconds), "")


def err(seconds: float) -> LogLine:
    return LogLine("stderr", ns(seconds), "")


def read(*lines: LogLine) -> Position:
    """The position behind *lines*, as it is after a restart of this process."""
    position = Position()
    position.take(lines)
    return Position(position.marks)


def new(position: Position, lines: Iterable[LogLine]) -> list[LogLine]:
    position.reopen()
    return [line for item in lines for line in position.take([item])]


def test_a_log_is_new_or_read_on_some_seconds_before_its_last_line() -> None:
    assert Position().reopen() is None
    assert new(Position(), [err(2), out(1)]) == [err(2), out(1)]
    assert read(out(0), out(60), err(59)).since == ns(55)
    position = Position(first=ns(58))
    assert position.reopen() == ns(58)
    position.take([out(58), out(60)])
    assert position.since == ns(58)
    part = LogLine("stdout", None, "part")
    assert new(read(out(10), part), [out(10), part, out(11), part]) == [out(11), part]


@pytest.mark.parametrize(
    "log",
    [
        [out(10), err(10.2), out(10.1), err(10.3), out(10.3)],
        [out(60), out(61), out(5), out(6), out(7)],
        [out(58), err(60), out(5), out(6), err(6.1), out(7)],
        [err(60), out(61), out(5), out(6), out(7)],
    ],
    ids=["a little", "one output", "both outputs", "one of both outputs"],
)
def test_no_line_is_lost_or_repeated_where_the_log_goes_back_in_time(log: list[LogLine]) -> None:
    for count in range(1, len(log) + 1):
        position = read(*log[:count])
        # The engine returns all lines from the first one on that is not older than requested.
        start = next(n for n, line in enumerate(log) if position.since <= line.time)  # type: ignore[operator]
        assert new(position, log[start:]) == log[count:], count
        assert not position.missing


def test_only_an_output_whose_last_line_is_gone_has_a_gap_and_goes_on_behind_its_newest() -> None:
    position = read(out(8), err(9))
    assert new(position, [err(7), out(10), out(9.9), err(12)]) == [out(10), out(9.9), err(12)]
    assert position.missing == [(ns(8), ns(10)), (ns(9), ns(12))]
    silent = read(err(1), out(60))
    assert new(silent, [out(60), err(61)]) == [err(61)]
    assert not silent.missing


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


def test_no_end_that_is_written_late_is_lost_and_no_line_of_an_earlier_process_repeated() -> None:
    lines = JournalLines(0)
    taken(lines, operation(), ChosenEntry(time=at(9), modules=("web",)))
    done = operation(status="succeeded", seconds=8.0)
    assert taken(lines, done) == [("info", "Start: web: done after 8.0 s")]
    assert lines.mark.time == nanoseconds(at(9))
    next_process = JournalLines(nanoseconds(at(5)))
    old, new = ChosenEntry(time=at(5), modules=("a",)), ChosenEntry(time=at(6), modules=("b",))
    assert taken(next_process, new, old) == [("info", "Chosen modules: b")]


def test_refused_clients_are_warnings_each_time_that_they_are_counted_and_alerts_no_lines() -> None:
    """A rule for lines would find an alert about lines."""
    lines = JournalLines(0)
    reason = in_all_languages(Text("no key"))
    for count in (1, 2):
        entry = RefusedEntry(
            time=BEGIN, id="r", carrier="http", reason=reason, count=count, last=at(count)
        )
        ((level, text),) = taken(lines, entry)
        assert (level, "no key" in text) == ("warn", True)
    alert = AlertEntry(title={"en": "Log match"}, text={"en": "lost"}, module="web", page="alerts")
    assert taken(lines, alert) == []
