"""Services in trouble: which alerts are raised, and which are not."""

from dataclasses import replace
from typing import Any

import pytest

from aiserver_tray.features.alerts.alerts import GATHER_SECONDS, QUIET_SECONDS
from aiserver_tray.features.alerts.files import Mute
from aiserver_tray.features.alerts.kinds import built_in
from aiserver_tray.features.alerts.services import HOLD_SECONDS, RECOVERY_SECONDS
from aiserver_tray.model import Container, OperationKind
from aiserver_tray.state.facts import ContainerGone, ContainerSeen, DesiredChanged, OperationChanged
from tests.support.made import at, container, ended, model, operation, running_engine
from tests.unit.features.alerts.course import EPOCH, Course

ENDED = "web stopped unexpectedly | app: exited with code 1"
AGAIN = "web runs again | No action is needed."
DIED = ContainerSeen(ended(exit_code=1))
BACK = ContainerSeen(container(started_at=at(9)))
FAR = 100_000.0


def crash(count: int, **more: Any) -> ContainerSeen:  # noqa: ANN401
    """The container has restarted by itself for the *count*-th time."""
    return ContainerSeen(container(restart_count=count, started_at=at(count), **more))


KILLED = "12: raised: web stopped unexpectedly | app: killed from outside by signal 9"
OUT_OF_MEMORY = "web ran out of memory | app: ran out of memory (exit code 137)"
LOST_ONE = "web ran out of memory | app: lost a process because it ran out of memory"
UNHEALTHY = container(health="unhealthy", last_check="refused")


@pytest.mark.parametrize(
    ("seen", "news"),
    [
        (ended(exit_code=1), [f"12: raised: {ENDED}"]),
        (ended(exit_code=137), [KILLED]),
        (ended(exit_code=0), []),
        (ended(exit_code=143), []),
        (ended(exit_code=137, oom_killed=True), [f"12: raised: {OUT_OF_MEMORY}"]),
        (container(oom_killed=True), [f"12: raised: {LOST_ONE}"]),
        (UNHEALTHY, ["132: raised: web is unhealthy | app: unhealthy: refused"]),
        (container(health="starting"), []),
    ],
)
def test_problem_is_raised_once(seen: Container, news: list[str]) -> None:
    course = Course()
    assert course.at(10, ContainerSeen(seen)) == []
    assert course.at(FAR, ContainerSeen(seen)) == news
    assert len(course.alerts) == len(news)


def test_a_service_without_its_container_is_in_trouble() -> None:
    course = Course()
    course.at(10, ContainerGone(container().id))
    assert course.at(FAR) == [
        "12: raised: web stopped unexpectedly | app: should be running, but has no container"
    ]


def test_recovery_is_reported_once_it_lasts_and_a_repeated_failure_after_the_cooldown() -> None:
    course = Course()
    course.at(10, DIED)
    assert course.at(20, BACK) == [f"12: raised: {ENDED}"]
    assert course.at(FAR) == [f"{20 + RECOVERY_SECONDS:g}: recovered: {AGAIN}"]
    assert course.alerts[-1].ended == EPOCH + 20 + RECOVERY_SECONDS
    course = Course()
    course.at(10, DIED)
    assert len(course.at(20, BACK)) == 1
    assert len(course.at(60)) == 1
    course.at(100, DIED)
    assert course.at(FAR) == [f"612: raised: {ENDED}"]


def test_only_a_service_that_its_restart_policy_does_not_bring_back_is_an_alert() -> None:
    course = Course()
    fell = ContainerSeen(container(status="restarting", exit_code=1))
    slow = ContainerSeen(container(health="starting", started_at=at(9), restart_count=1))
    assert course.at(10, fell) + course.at(20, slow) + course.at(40, crash(1)) == []
    assert course.at(FAR) == []
    course = Course()
    assert course.at(10, fell) == []
    assert course.at(20, DIED) + course.at(FAR) == [f"22: raised: {ENDED}"]


def test_a_crash_loop_is_one_alert_that_says_so_also_a_slow_one() -> None:
    course, news = Course(), []
    for count in range(1, 30):
        fell = ContainerSeen(container(status="restarting", exit_code=1, restart_count=count - 1))
        news += course.at(10 + count / 10, fell) + course.at(10.05 + count / 10, crash(count))
    (told,) = news
    assert "raised: web keeps crashing | app: restarted" in told
    assert told.endswith("times in 10 min; exited with code 1")
    assert len(course.alerts) == 1
    course = Course()
    news = [line for n in range(1, 9) for line in course.at(20 * n, crash(n))]
    assert [line.split(" | ")[0] for line in news] == ["62: raised: web keeps crashing"]
    assert len(course.alerts) == 1
    (over,) = course.at(FAR)
    assert "recovered: web runs again" in over


@pytest.mark.parametrize(
    ("second", "news"),
    [(50, [KILLED, f"52: changed: {OUT_OF_MEMORY}"]), (11, [f"12: raised: {OUT_OF_MEMORY}"])],
)
def test_out_of_memory_says_more_than_its_exit(second: float, news: list[str]) -> None:
    course = Course()
    course.at(10, ContainerSeen(ended(exit_code=137)))
    killed = ContainerSeen(ended(exit_code=137, oom_killed=True))
    assert course.at(second, killed) + course.at(FAR) == news


@pytest.mark.parametrize(
    ("first", "begun"), [(crash(1), 11), (ContainerSeen(container(oom_at=at(1))), 10)]
)
def test_out_of_memory_with_a_quick_restart(first: ContainerSeen, begun: float) -> None:
    course = Course()
    course.at(10, first)
    course.at(11, crash(1, oom_at=at(1)))
    told = f"{begun + GATHER_SECONDS:g}: raised: web ran out of memory | app: ran out of memory"
    assert course.at(30) == [told]
    assert course.at(FAR) == [f"{11 + RECOVERY_SECONDS:g}: recovered: {AGAIN}"]


def test_titles_name_the_service_where_a_module_has_several() -> None:
    models = (model("web", "app", "api"), model("db"))
    seen = [container(name) for name in ("web/app", "web/api", "db/app")]
    course = Course(start=running_engine(*seen, models=models, desired=("web", "db")))
    course.at(10, DIED)
    course.at(10 + GATHER_SECONDS - 0.1, ContainerSeen(ended("db/app", 1)))
    assert [line.split(" | ")[0] for line in course.at(15)] == [
        "12: raised: app of web stopped unexpectedly",
        "12: raised: db stopped unexpectedly",
    ], "together"
    course.at(16, ContainerSeen(ended("web/api", 1)))
    course.at(20, BACK)
    (news,) = course.at(FAR)
    assert "recovered: app of web runs again" in news
    assert course.alerts[-1].service == "api"


def crowd() -> Course:
    """Three of the four services of `web` have failed, the last one a moment later."""
    names = ("app", "api", "db", "job")
    seen = [container(f"web/{name}") for name in names]
    course = Course(start=running_engine(*seen, models=(model("web", *names),)))
    course.at(10, DIED, ContainerSeen(ended("web/api", 1)))
    course.at(11, ContainerSeen(ended("web/db", 2)))
    assert course.at(20) == [
        "12: raised: 3 of 4 services of web stopped unexpectedly | app: exited with code 1; "
        "api: exited with code 1; db: exited with code 2"
    ]
    return course


def test_services_that_fail_at_once_are_one_piece_of_news_that_ends_with_the_last() -> None:
    course = crowd()
    assert course.at(100, BACK, ContainerSeen(container("web/api", started_at=at(99)))) == []
    assert course.at(300, ContainerSeen(container("web/db", started_at=at(299)))) == []
    assert course.at(FAR) == [f"{300 + RECOVERY_SECONDS:g}: recovered: {AGAIN}"]
    assert {one.service: one.ended for one in course.alerts} == {
        "app": EPOCH + 100 + RECOVERY_SECONDS,
        "api": EPOCH + 100 + RECOVERY_SECONDS,
        "db": EPOCH + 300 + RECOVERY_SECONDS,
    }


def test_a_module_does_not_run_again_while_one_of_its_services_is_down() -> None:
    course = crowd()
    course.at(50, ContainerSeen(ended("web/db", 137, oom_killed=True)))
    backs = [container(f"web/{name}", started_at=at(99)) for name in ("app", "api")]
    assert course.at(100, *map(ContainerSeen, backs)) == [
        "52: changed: db of web ran out of memory | ran out of memory (exit code 137)"
    ]
    assert course.at(FAR) == [], "the last one is still down"
    back = container("web/db", started_at=at(FAR))
    course.at(FAR + 1, ContainerSeen(back), ContainerSeen(ended("web/job", 1)))
    assert course.at(2 * FAR) == [
        f"{FAR + 3:g}: raised: job of web stopped unexpectedly | exited with code 1",
        f"{FAR + 1 + RECOVERY_SECONDS:g}: recovered: 3 of 4 services of web run again | "
        "No action is needed.",
    ]


def test_services_that_get_worse_at_once_are_one_piece_of_news_of_what_was_told_of_them() -> None:
    """What takes the news for incidents, as a webhook may, has one, and sees its end."""
    course = crowd()
    ids = course.ids
    names = ("web/app", "web/api", "web/db")
    course.at(50, *(ContainerSeen(ended(name, 137, oom_killed=True)) for name in names[:2]))
    course.at(51, ContainerSeen(ended(names[2], 137, oom_killed=True)))
    why = "ran out of memory (exit code 137)"
    assert course.at(60) == [
        f"52: changed: 3 of 4 services of web ran out of memory | app: {why}; api: {why}; db: {why}"
    ]
    ids += course.ids
    course.at(100, *(ContainerSeen(container(name, started_at=at(99))) for name in names))
    assert course.at(FAR) == [f"{100 + RECOVERY_SECONDS:g}: recovered: {AGAIN}"]
    assert [*ids, *course.ids] == [ids[0]] * 3


def test_an_operation_counts_while_it_has_something_to_do_for_the_module() -> None:
    course = Course()
    stop = operation("restart", ("stop", "web/app", "running"))
    course.at(10, OperationChanged(stop), ContainerSeen(ended(exit_code=137)))
    done = operation("restart", ("stop", "web/app", "done"), status="succeeded")
    course.at(12, OperationChanged(done), BACK)
    assert course.at(FAR) == []
    assert course.alerts == []
    course = Course(start=running_engine(container(), models=(model("web", "app"), model("db"))))
    first = operation("up", ("start", "web/app", "running"), ("pull", "db/db", "pending"))
    course.at(10, OperationChanged(first), DIED)
    assert course.at(500, BACK) == []
    later = operation("up", ("start", "web/app", "done"), ("pull", "db/db", "running"))
    course.at(501, OperationChanged(later))
    course.at(600, DIED)
    assert course.at(FAR) == [f"602: raised: {ENDED}"]


@pytest.mark.parametrize("kind", ["pull", "build"])
def test_a_failure_while_images_are_got_is_none_of_the_operation_s(kind: OperationKind) -> None:
    course = Course()
    busy = operation(kind, ("pull", "web/app", "running"))
    course.at(10, OperationChanged(busy), DIED)
    assert course.at(FAR) == [f"12: raised: {ENDED}"]


def test_failure_just_after_a_successful_start_is_raised() -> None:
    course = Course(start=running_engine(container(health="starting")))
    start = operation("up", ("wait", "web/app", "running"))
    course.at(10, OperationChanged(start), ContainerSeen(container(health="healthy")))
    done = operation("up", ("wait", "web/app", "done"), status="succeeded")
    course.at(11, OperationChanged(done), DIED)
    assert course.at(FAR) == [f"{11 + HOLD_SECONDS + GATHER_SECONDS:g}: raised: {ENDED}"]


def test_service_that_was_unhealthy_when_an_operation_failed_is_known_until_it_recovers() -> None:
    models = (model("web", "app", "api"),)
    course = Course(start=running_engine(container(), container("web/api"), models=models))
    busy = operation("up", ("start", "web/app", "running"))
    course.at(10, OperationChanged(busy), ContainerSeen(ended()))
    course.at(11, OperationChanged(replace(busy, status="failed")))
    fallen = ContainerSeen(container(status="restarting", exit_code=1, restart_count=5))
    assert course.at(14, fallen) == []
    course.at(20, ContainerSeen(ended("web/api", exit_code=1)))
    assert course.at(30) == ["22: raised: api of web stopped unexpectedly | exited with code 1"]
    assert {(alert.service, alert.is_known) for alert in course.alerts} == {
        ("app", True),
        ("api", False),
    }
    course.at(40, ContainerSeen(container(restart_count=5)))
    course.at(800, fallen)
    (told,) = course.at(FAR)
    assert told.endswith("raised: app of web stopped unexpectedly | exited with code 1")


def test_an_alert_lasts_through_an_operation_until_its_service_is_ready() -> None:
    course = Course()
    course.at(10, DIED)
    busy = operation("up", ("start", "web/app", "running"))
    assert course.at(20, OperationChanged(busy)) == [f"12: raised: {ENDED}"]
    course.at(30, ContainerSeen(container(health="starting", started_at=at(21))))
    assert course.alerts[-1].ended is None
    course.at(40, OperationChanged(replace(busy, status="succeeded")), BACK)
    assert course.at(FAR) == [], "who started it knows"
    assert course.alerts[-1].ended == EPOCH + 40 + HOLD_SECONDS


def test_an_alert_of_a_rule_that_is_switched_off_is_over_without_news() -> None:
    course = Course()
    course.at(10, DIED)
    course.at(20)
    off = {id: rule.model_copy(update={"is_on": False}) for id, rule in built_in().items()}
    course.data.changed |= off
    assert course.at(30) == []
    assert course.alerts[-1].ended == EPOCH + 30
    course = Course(changed=off)
    course.at(10, DIED)
    assert (course.at(FAR), course.alerts) == ([], [])


def test_a_module_that_is_stopped_or_without_docker_is_no_news() -> None:
    course = Course()
    course.at(10, DIED)
    assert course.at(20, DesiredChanged(frozenset())) == [f"12: raised: {ENDED}"]
    assert course.at(30, DesiredChanged(frozenset({"web"})), BACK) == []
    course = Course()
    course.at(10, ContainerSeen(container(health="unhealthy")))
    assert course.at(200) != []
    assert course.lose_engine(201) == []
    assert course.at(FAR) == []
    assert course.alerts[-1].ended is not None


def test_problems_of_the_first_seconds_are_no_news_but_those_that_remain_after_a_sleep() -> None:
    course = Course(start=running_engine(ended(exit_code=1, restart_count=1)))
    assert [alert.is_known for alert in course.alerts] == [True]
    assert course.at(FAR) == []
    course = Course()
    course.rest()
    course.at(1, DIED)
    assert course.at(FAR) == [f"{QUIET_SECONDS:g}: raised: {ENDED}"]


@pytest.mark.parametrize(
    ("mute", "news"),
    [
        (Mute(rule="ended"), []),
        (Mute(module="web"), []),
        (Mute(rule="ended", module="web"), []),
        (Mute(rule="ended", module="db"), [f"12: raised: {ENDED}"]),
        (Mute(rule="restarts"), [f"12: raised: {ENDED}"]),
        (Mute(rule="ended", until=EPOCH + 3600), [f"3600: raised: {ENDED}"]),
        (Mute(rule="ended", until=EPOCH - 3600), [f"12: raised: {ENDED}"]),
    ],
)
def test_muted_alert_sends_no_news_but_is_listed(mute: Mute, news: list[str]) -> None:
    course = Course(mutes=[mute])
    course.at(10, DIED)
    assert course.at(FAR) == news
    assert [alert.ended for alert in course.alerts] == [None]


def test_a_muted_alert_sends_no_news_either_when_it_gets_worse() -> None:
    course = Course()
    course.at(10, ContainerSeen(ended(exit_code=137)))
    course.at(20)
    course.data.mutes.append(Mute(module="web"))
    course.at(30, ContainerSeen(ended(exit_code=137, oom_killed=True)))
    assert course.at(FAR) == []


def test_an_alert_of_an_earlier_process_goes_on_until_its_service_has_recovered() -> None:
    first = Course()
    first.at(10, DIED)
    first.at(20)
    (alert,) = first.alerts
    course = Course(kept=[alert], start=first.state)
    assert course.at(FAR) == []
    assert [one.id for one in course.alerts] == [alert.id]
    assert course.at(FAR + 1, BACK) == []
    assert [line.split(": ")[1] for line in course.at(2 * FAR)] == ["recovered"]
    course = Course(kept=[alert], start=running_engine(ended(exit_code=1)))
    busy = operation("up", ("start", "web/app", "running"))
    course.at(5, OperationChanged(busy), BACK)
    course.at(6, DIED, OperationChanged(replace(busy, status="failed")))
    assert course.at(FAR) == []
    assert [one.ended for one in course.alerts] == [None]
    course.at(FAR + 1, ContainerSeen(container(started_at=at(FAR))))
    news = f"{FAR + 1 + RECOVERY_SECONDS:g}: recovered: {AGAIN}"
    assert course.at(2 * FAR) == [news]
