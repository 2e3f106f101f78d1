"""What uses too much, and lines that are watched for."""

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


def test_excess_is_raised_once_it_lasts_and_recovers_when_it_ends() -> None:
    course = Course(CPU)
    news = [line for second in range(15, 600, 15) for line in course.at(second, loads=used(180))]
    assert news == ["317: raised: web keeps the CPU busy | 90 % of all processors, for 5 min"]
    assert course.at(600, loads=used(10)) == []
    assert course.at(615, loads=used(10)) == [
        "615: recovered: web is back to normal | No action is needed."
    ]


def test_a_short_dip_changes_nothing_and_a_pause_begins_anew() -> None:
    course = Course(CPU)
    for second in range(15, 600, 15):
        percent = 10 if second in (150, 165) else 180
        news = course.at(second, loads=used(percent))
        assert bool(news) == (second > 165 and second - 180 in (315,)), second


def test_a_module_that_is_stopped_is_no_recovery() -> None:
    course = Course(CPU)
    for second in range(15, 600, 15):
        course.at(second, loads=used(180))
    assert course.at(600, loads={}) == []
    assert course.alerts[-1].ended is not None


def test_memory_counts_against_the_limit() -> None:
    course = Course()
    news = [
        line
        for second in range(15, 600, 15)
        for line in course.at(second, loads=used(memory=GIB * 95 // 100))
    ]
    assert news == [
        "317: raised: web is almost out of memory | app: 95 % of its memory limit, for 5 min"
    ]


def test_two_rules_for_one_cause_are_one_alert() -> None:
    course = Course(CPU, Cpu(id="other", percent=50, minutes=5, module="web"))
    news = [line for second in range(15, 600, 15) for line in course.at(second, loads=used(180))]
    assert len(news) == len(course.alerts) == 1


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


def test_a_backup_in_trouble_is_an_alert_that_outlasts_docker() -> None:
    course = Course()
    assert course.at(10, backup="It failed") == []
    news = course.at(20, backup="It failed")
    assert news == ["12: raised: The last backup failed or is overdue | It failed"]
    course.lose_engine(30)
    course.at(40, backup="It failed")
    assert [alert.ended for alert in course.alerts] == [None]


def test_a_broken_address_is_an_alert_while_its_module_runs() -> None:
    course = Course()
    assert course.at(10, address="Another device has the name") == []
    news = course.at(20, address="Another device has the name")
    assert news == ["12: raised: The address of web has a problem | Another device has the name"]
    (alert,) = course.alerts
    assert (alert.kind, alert.module, alert.page) == ("address", "web", "modules/web/access")
    assert course.at(40) == []
    assert [alert.ended for alert in course.alerts] == [EPOCH + 40]


def test_matching_lines_are_one_alert_until_none_comes_for_a_while() -> None:
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


def test_a_rule_for_several_lines_waits_until_so_many_come_within_its_time() -> None:
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


def test_a_service_of_several_is_named_once() -> None:
    models = (model("web", "app", "api"),)
    start = running_engine(container(), container("web/api"), models=models)
    course = Course(MatchingLine(id="own", pattern="lost"), start=start)
    course.at(10, lines=[("web/api", "info", "lost")])
    assert course.at(20) == ["12: raised: Log match in api of web | lost"]


def test_only_the_rule_s_module_is_watched() -> None:
    course = Course(MatchingLine(id="own", level="error", module="db"))
    assert course.at(10, lines=[("web/app", "error", "no")]) == []
    assert course.alerts == []


def test_a_pattern_that_is_none_is_refused() -> None:
    MatchingLine(id="own", pattern="a|b").check()
    with pytest.raises(LogFilterError, match=r"missing \)"):
        MatchingLine(id="own", pattern="(a").check()


def test_lines_of_a_log_that_is_only_read_now_are_no_news() -> None:
    lines = Lines()
    lines.watches = {"own": MatchingLine(id="own", pattern="lost").watch}
    kept = Kept(Cursor(5, 1), Line(5, "web", "app", "stderr", "error", False, "lost"))  # noqa: FBT003
    assert not lines.see([kept], now=0, since=6)
    assert lines.see([kept], now=0, since=5)
