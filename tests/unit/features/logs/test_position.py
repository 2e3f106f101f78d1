"""Where a log is read on, and which of its lines are new."""

from collections.abc import Iterable

import pytest

from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.logs.lines import Position

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


def test_a_log_that_was_not_read_is_new() -> None:
    assert Position().reopen() is None
    assert new(Position(), [err(2), out(1)]) == [err(2), out(1)]


def test_no_line_is_lost_or_repeated_where_the_log_goes_back_in_time() -> None:
    log = [out(10), err(10.2), out(10.1), err(10.3), out(10.3)]
    for count in range(1, len(log) + 1):
        position = read(*log[:count])
        assert new(position, log) == log[count:], count
        assert not position.missing


def test_a_log_is_read_on_some_seconds_before_its_last_line() -> None:
    assert read(out(0), out(60), err(59)).since == ns(55)


def test_reading_starts_at_the_first_wanted_line() -> None:
    position = Position(first=ns(58))
    assert position.reopen() == ns(58)
    position.take([out(58), out(60)])
    assert position.since == ns(58)


@pytest.mark.parametrize(
    "log",
    [
        [out(60), out(61), out(5), out(6), out(7)],
        [out(58), err(60), out(5), out(6), err(6.1), out(7)],
        [err(60), out(61), out(5), out(6), out(7)],
    ],
    ids=["one output", "both outputs", "one of both outputs"],
)
def test_no_line_is_lost_or_repeated_where_the_clock_was_set_back(log: list[LogLine]) -> None:
    for count in range(1, len(log) + 1):
        position = read(*log[:count])
        # The engine returns all lines from the first one on that is not older than requested.
        start = next(n for n, line in enumerate(log) if position.since <= line.time)  # type: ignore[operator]
        assert new(position, log[start:]) == log[count:], count
        assert not position.missing


def test_a_log_whose_last_line_is_gone_goes_on_behind_its_newest_and_has_a_gap() -> None:
    position = read(out(8), err(9))
    assert new(position, [err(7), out(10), out(9.9), err(12)]) == [out(10), out(9.9), err(12)]
    assert position.missing == [(ns(8), ns(10)), (ns(9), ns(12))]


def test_an_output_that_was_silent_for_long_has_no_gap() -> None:
    position = read(err(1), out(60))
    assert new(position, [out(60), err(61)]) == [err(61)]
    assert not position.missing


def test_a_part_of_a_line_goes_with_the_line() -> None:
    part = LogLine("stdout", None, "part")
    assert new(read(out(10), part), [out(10), part, out(11), part]) == [out(11), part]
