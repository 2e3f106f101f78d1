"""What uses too much, and lines that are watched for."""

from typing import Any

import pytest

from aiserver_tray.features.alerts.facts import QUIET_LOG_SECONDS, Disk, Lines
from aiserver_tray.features.alerts.kinds import Cpu, MatchingLine
from aiserver_tray.features.logs.line import Cursor, Kept, Level, Line
from aiserver_tray.features.logs.store.database import LogFilterError
from aiserver_tray.features.monitoring.samples import Load
from tests.support.made import container, model, running_engine
from tests.unit.features.alerts.course import EPOCH, Course

FAR = 100_000.0
GIB = 1024**3
CPU = Cpu(id="own", percent=80, minutes=5)


def used(cpu: float = 0.0, memory: int = 0) -> dict[tuple[str, str], Load]:
    """By ``web/app``, which may have 1 GB, on an engine with two processors."""
    return {("web", "app"): Load(cpu, memory, limit=GIB)}


def minutes(course: Course, **uses: Any) -> list[str]:  # noqa: ANN401 - as `used` takes it
    """The news of the first ten minutes, in which ``web/app`` uses that all the time."""
    return [line for second in range(15, 600, 15) for line in course.at(second, loads=used(**uses))]


def test_excess_is_raised_once_it_lasts_and_recovers_when_it_ends() -> None:
    course = Course(CPU, Cpu(id="other", percent=50, minutes=5, module="web"))
    raised = "317: raised: web keeps the CPU busy | 90 % of all processors, for 5 min"
    assert minutes(course, cpu=180) == [raised]
    assert len(course.alerts) == 1, "two rules have one cause"
    assert course.at(600, loads=used(10)) == []
    recovered = "615: recovered: web is back to normal | No action is needed."
    assert course.at(615, loads=used(10)) == [recovered]
    course = Course(CPU)
    assert minutes(course, cpu=180) == [raised]
    assert course.at(600, loads={}) == [], "it is stopped, which is no recovery"
    assert course.alerts[-1].ended is not None
    assert minutes(Course(), memory=GIB * 95 // 100) == [
        "317: raised: web is almost out of memory | app: 95 % of its memory limit, for 5 min"
    ]


def test_a_short_dip_changes_nothing_and_a_pause_begins_anew() -> None:
    course = Course(CPU)
    for second in range(15, 600, 15):
        percent = 10 if second in (150, 165) else 180
        news = course.at(second, loads=used(percent))
        assert bool(news) == (second > 165 and second - 180 in (315,)), second


@pytest.mark.parametrize(
    ("disk", "is_told"),
    [
        (Disk(50 * GIB, 500 * GIB), False),
        (Disk(9 * GIB, 60 * GIB), True),
        (Disk(20 * GIB, 500 * GIB), True),
    ],
)
def test_a_disk_is_almost_full_in_bytes_or_percent(disk: Disk, is_told: bool) -> None:  # noqa: FBT001 - pytest's
    course = Course()
    course.at(10, disk=disk)
    news = course.at(100)
    size = disk.free // GIB
    text = f"{size} GB of {disk.total // GIB} GB are free"
    assert news == ([f"12: raised: Docker's disk is almost full | {text}"] if is_told else [])
    course.at(200, disk=Disk(100 * GIB, 500 * GIB))
    assert bool(course.alerts) == is_told


def test_backups_and_addresses_in_trouble_are_alerts() -> None:
    course = Course()
    assert course.at(10, backup="It failed") == []
    news = course.at(20, backup="It failed")
    assert news == ["12: raised: The last backup failed or is overdue | It failed"]
    course.lose_engine(30)
    course.at(40, backup="It failed")
    assert [alert.ended for alert in course.alerts] == [None]
    course = Course()
    assert course.at(10, address="Another device has the name") == []
    news = course.at(20, address="Another device has the name")
    assert news == ["12: raised: The address of web has a problem | Another device has the name"]
    (alert,) = course.alerts
    assert (alert.kind, alert.module, alert.page) == ("address", "web", "modules/web/access")
    assert course.at(40) == []
    assert [alert.ended for alert in course.alerts] == [EPOCH + 40]


def test_matching_lines_are_one_alert_once_so_many_come_until_none_does() -> None:
    rule = MatchingLine(id="own", level="warn", pattern="(?i)time.?out")
    course = Course(rule)
    lines: list[tuple[str, Level, str]] = [
        ("web/app", "error", "\x1b[31mquery \x1b[0mTimeout after 3 s"),
        ("web/app", "info", "timeout is 3 s"),
        ("web/app", "error", "refused"),
    ]
    course.at(10, lines=lines)
    news = course.at(20, lines=lines[:1])
    assert news == ["12: raised: Log match in web | app: query Timeout after 3 s"]
    (alert,) = course.alerts
    assert (alert.count, alert.page) == (
        2,
        "modules/web/logs?service=app&level=warn,error&at=1800000010",
    )
    assert course.at(FAR) == [], "nobody has to know that no line comes"
    assert course.alerts[-1].ended == alert.begun + 10 + QUIET_LOG_SECONDS
    course = Course(MatchingLine(id="own", pattern="lost", lines=3, within=1))
    lost: tuple[str, Level, str] = ("web/app", "info", "lost")
    course.at(10, lines=[lost])
    course.at(50, lines=[lost])
    assert course.at(72, lines=[lost]) == [], "the first was 62 s ago"
    assert course.at(80, lines=[lost, lost]) == []
    assert course.at(90) == ["82: raised: Log match in web | app: lost"]
    assert course.alerts[-1].count == 4
    assert course.at(FAR) == []
    assert course.alerts[-1].ended == EPOCH + 80 + QUIET_LOG_SECONDS


def test_only_services_of_the_rules_module_are_watched_and_each_is_named_once() -> None:
    models = (model("web", "app", "api"),)
    start = running_engine(container(), container("web/api"), models=models)
    of_others = MatchingLine(id="others", pattern="lost", module="db")
    course = Course(MatchingLine(id="own", pattern="lost", module="web"), of_others, start=start)
    course.at(10, lines=[("web/api", "info", "lost")])
    assert course.at(20) == ["12: raised: Log match in api of web | lost"]
    assert len(course.alerts) == 1


def test_a_wrong_pattern_is_refused_and_lines_of_a_log_that_is_only_read_now_are_no_news() -> None:
    MatchingLine(id="own", pattern="a|b").check()
    with pytest.raises(LogFilterError, match=r"missing \)"):
        MatchingLine(id="own", pattern="(a").check()
    lines = Lines()
    lines.watches = {"own": MatchingLine(id="own", pattern="lost").watch}
    kept = Kept(Cursor(5, 1), Line(5, "web", "app", "stderr", "error", False, "lost"))  # noqa: FBT003
    assert not lines.see([kept], now=0, since=6)
    assert lines.see([kept], now=0, since=5)
