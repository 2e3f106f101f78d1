"""Where a log is read on, and which of its lines are new."""

from collections.abc import Iterable
from typing import Literal

import pytest

from aiserver_tray.core.logs.position import Position
from aiserver_tray.engine.values import LogLine
from tests.support.made import at

OUT: Literal["stdout"] = "stdout"
ERR: Literal["stderr"] = "stderr"


def out(seconds: float, text: str = "") -> LogLine:
    return LogLine(OUT, at(seconds), text)


def err(seconds: float, text: str = "") -> LogLine:
    return LogLine(ERR, at(seconds), text)


def read(*lines: LogLine) -> Position:
    """The position behind *lines*."""
    position = Position()
    for line in lines:
        position.pass_(line)
    return position


def new(position: Position, lines: Iterable[LogLine]) -> list[LogLine]:
    rest = position.rest()
    return [line for line in lines if rest.is_new(line)]


def test_a_log_that_was_not_read_is_new() -> None:
    assert Position().since is None
    assert new(Position(), [err(2), out(1)]) == [err(2), out(1)]


def test_no_line_is_lost_or_repeated_where_the_log_goes_back_in_time() -> None:
    log = [out(10), err(10.2), out(10.1), err(10.3), out(10.3)]
    for count in range(1, len(log) + 1):
        assert new(read(*log[:count]), log) == log[count:], count


def test_lines_with_one_time_are_counted() -> None:
    log = [out(10, "a"), err(10, "b"), out(10, "c"), out(10, "d")]
    for count in range(1, len(log) + 1):
        assert new(read(*log[:count]), log) == log[count:], count


def test_a_log_is_read_on_some_seconds_before_its_last_line() -> None:
    assert read(out(0), out(60), err(59)).since == at(54)


def test_nothing_from_before_the_first_line_is_read() -> None:
    assert read(out(58), out(60)).since == at(58)


@pytest.mark.parametrize(
    "log",
    [
        [out(60), out(61), out(5), out(6), out(7)],
        [out(58), err(60), out(5), out(6), err(6.1), out(7)],
    ],
    ids=["one output", "both outputs"],
)
def test_no_line_is_lost_or_repeated_where_the_clock_was_set_back(log: list[LogLine]) -> None:
    for count in range(1, len(log) + 1):
        position = read(*log[:count])
        # The engine returns all lines from the first one on that is not older than requested.
        start = next(n for n, line in enumerate(log) if position.since <= line.time)  # type: ignore[operator]
        assert new(position, log[start:]) == log[count:], count


def test_a_log_whose_last_line_is_gone_is_read_on_behind_its_newest() -> None:
    assert new(read(out(8), err(9)), [err(7), out(10), out(9.9)]) == [out(10), out(9.9)]


def test_a_part_of_a_line_goes_with_the_line() -> None:
    part = LogLine(OUT, None, "part")
    assert new(read(out(10), part), [out(10), part, out(11), part]) == [out(11), part]
