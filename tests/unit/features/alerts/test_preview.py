"""What a rule for log lines would have told, from a store of kept lines."""

from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path

import pytest

from aiserver_tray.features.alerts import preview as previews
from aiserver_tray.features.alerts.kinds import MatchingLine
from aiserver_tray.features.alerts.preview import RulePreview, preview
from aiserver_tray.features.logs.line import Gap, Level, Line
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore

NOW = 1_800_000_000
MINUTE = 60
HOUR = 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    with closing(LogStore(tmp_path / "logs.sqlite")) as opened:
        opened.add([line(30 * HOUR, "refused, but too long ago"), line(25 * HOUR, "hello")])
        yield opened


def line(age: float, text: str, level: Level = "error", service: str = "app") -> Line:
    """A line that was written *age* seconds before NOW."""
    time = round((NOW - age) * 10**9)
    return Line(time, "web", service, "stderr", level, False, text)  # noqa: FBT003


def told(store: LogStore, **rule: object) -> RulePreview:
    found = {"id": "own", "pattern": "refused", "cooldown": 10.0} | rule
    return preview(MatchingLine.model_validate(found), LogReader(store.path, inf), NOW)


def test_lines_of_a_day_are_counted_by_time_and_by_their_alerts(store: LogStore) -> None:
    close = [line(10 * HOUR - second, "refused") for second in range(0, 200, 40)]
    others = [line(2 * HOUR, "fine"), line(HOUR, "refused", service="api")]
    store.add([*close, *others, line(90, "\x1b[31mref\x1b[0mused", "info")])
    found = told(store)
    assert (found["lines"], found["alerts"]) == (7, 3)
    assert [at for at, count in enumerate(found["parts"]) if count] == [28, 46, 47]
    assert (found["since"], found["isComplete"]) == (NOW - 24 * HOUR, True)
    assert told(store, level="error")["lines"] == 6
    assert told(store, module="db")["lines"] == 0


def test_alerts_are_told_once_in_the_pause_and_only_of_enough_lines(store: LogStore) -> None:
    store.add([line(HOUR - 2 * MINUTE * count, "refused") for count in range(6)])
    assert told(store)["alerts"] == 2, "each is over after a minute, and the pause has ten"
    assert told(store, cooldown=0)["alerts"] == 6
    assert told(store, lines=6, within=10)["alerts"] == 1
    assert told(store, lines=6, within=9)["alerts"] == 0


def test_counting_ends_and_says_where(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "BUDGET_SECONDS", 0.0)
    store.add([line(HOUR + age, "refused") for age in range(11_000, 0, -1)])
    found = told(store)
    assert found["lines"] == 10_000
    assert found["since"] == NOW - HOUR - 10_000


def test_missing_lines_are_said(tmp_path: Path, store: LogStore) -> None:
    with closing(LogStore(tmp_path / "new.sqlite")) as new:
        new.add([line(HOUR, "refused")])
        assert told(new)["since"] == NOW - HOUR, "nothing is kept of the time before"
    begin, end = (round((NOW - age) * 10**9) for age in (HOUR, HOUR - 60))
    store.add([line(1, "refused")], gaps=[Gap("web", "app", begin, end)])
    assert not told(store)["isComplete"]
    assert told(store, module="db")["isComplete"]
