"""Where a log is read on, and which of its lines are new."""

from collections.abc import Iterable
from typing import Literal

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


def test_a_log_is_read_on_some_seconds_before_its_newest_line() -> None:
    assert read(out(0), out(60), err(59)).since == at(55)


def test_nothing_from_before_the_first_line_is_read() -> None:
    assert read(out(58), out(60)).since == at(58)


def test_no_line_is_lost_when_the_clock_is_set_back_later() -> None:
    position = read(out(60))
    assert new(position, [out(60), out(61), out(5), out(6)]) == [out(61), out(5), out(6)]


def test_a_part_of_a_line_goes_with_the_line() -> None:
    part = LogLine(OUT, None, "part")
    assert new(read(out(10), part), [out(10), part, out(11), part]) == [out(11), part]
