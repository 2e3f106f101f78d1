"""The table "Health and colours": from containers to the state of services, modules and all."""

from typing import Any, ClassVar

import pytest

from aiserver_tray.errors import EngineDownError
from aiserver_tray.i18n import Text
from aiserver_tray.model import (
    Container,
    ModuleModel,
    OperationKind,
    OperationStatus,
    OperationView,
    State,
)
from aiserver_tray.state.facts import (
    ContainerGone,
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    EngineDown,
    ModulesChanged,
    OperationChanged,
)

from .made import (
    UP,
    after,
    at,
    container,
    ended,
    model,
    operation,
    reason,
    running_engine,
    shown,
)

WITH_JOB = (model("web", "app", jobs=("job",)),)


@pytest.mark.parametrize(
    "containers",
    [[], [ended(exit_code=0)], [ended(exit_code=137)], [container(status="created")]],
    ids=["absent", "exited", "killed", "created"],
)
def test_what_is_not_wanted_and_does_not_run_is_stopped(containers: list[Container]) -> None:
    state = running_engine(*containers, desired=())
    view = shown(state)
    assert (view.state, view.ready, view.total, view.reason) == ("stopped", 0, 1, None)
    assert state.snapshot.state == "stopped"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"health": "healthy"}, "running"),
        ({"health": "starting"}, "starting"),
        ({"health": "unhealthy"}, "error"),
        ({"status": "paused"}, "error"),
        ({"status": "restarting", "exit_code": 1}, "error"),
    ],
)
def test_what_runs_unwanted_counts_by_its_health(changes: dict[str, Any], expected: State) -> None:
    state = running_engine(container(**changes), desired=())
    assert shown(state).state == expected
    assert state.snapshot.state == expected


@pytest.mark.parametrize(
    ("found", "expected", "why"),
    [
        (container(status="created"), "starting", ""),
        (container(health="starting"), "starting", ""),
        (container(health="healthy"), "running", ""),
        (container(), "running", ""),
        (None, "error", "app: has no container, though it should run"),
        (ended(exit_code=0), "error", "app: ended with exit code 0"),
        (ended(exit_code=3), "error", "app: ended with exit code 3"),
        (
            ended(exit_code=137, oom_killed=True),
            "error",
            "app: was killed for want of memory (exit code 137)",
        ),
        (container(status="dead", exit_code=1), "error", "app: ended with exit code 1"),
        (container(status="paused"), "error", "app: is paused"),
        (
            container(status="restarting", exit_code=2),
            "error",
            "app: ends and is restarted again and again: ended with exit code 2",
        ),
        (container(status="removing"), "error", "app: is being removed"),
        (
            container(health="unhealthy", last_check="no answer\nsecond line"),
            "error",
            "app: is unhealthy: no answer",
        ),
        (container(health="unhealthy"), "error", "app: is unhealthy"),
        (container(oom_killed=True), "error", "app: lost a process for want of memory"),
        (container(oom_killed=True, health="healthy"), "running", ""),
        (
            container(status="created", exit_code=128, error="port is already allocated"),
            "error",
            "app: could not be started: port is already allocated",
        ),
        (
            ended(exit_code=127, error="no such file"),
            "error",
            "app: ended with exit code 127: no such file",
        ),
    ],
)
def test_what_is_wanted_is_as_its_container(
    found: Container | None, expected: State, why: str
) -> None:
    state = running_engine(*([found] if found else []))
    assert (shown(state).state, reason(state)) == (expected, why)
    assert state.snapshot.state == expected


def test_a_reason_does_not_repeat_the_name_of_the_module() -> None:
    state = running_engine(
        ended("n8n/n8n", exit_code=1), models=(model("n8n", "n8n"),), desired=("n8n",)
    )
    assert reason(state, "n8n") == "ended with exit code 1"
    assert str(shown(state, "n8n").services[0].reason) == "ended with exit code 1"


class TestJob:
    def test_one_that_exited_with_0_is_ready(self) -> None:
        state = running_engine(container(), ended("web/job"), models=WITH_JOB)
        view = shown(state)
        assert (view.state, view.ready, view.total) == ("running", 2, 2)

    def test_one_that_failed_is_an_error(self) -> None:
        state = running_engine(ended("web/job", exit_code=4), models=(model("web", jobs=("job",)),))
        assert "job: the job failed with exit code 4" in [
            f"{s.name}: {s.reason}" for s in shown(state).services
        ]
        assert shown(state).state == "error"

    @pytest.mark.parametrize("status", ["created", "running"])
    def test_one_that_works_is_not_ready_yet(self, status: str) -> None:
        state = running_engine(container(), container("web/job", status=status), models=WITH_JOB)
        assert (shown(state).state, shown(state).ready) == ("starting", 1)

    def test_its_absence_is_no_error_where_the_others_run(self) -> None:
        state = running_engine(container(), models=WITH_JOB)
        view = shown(state)
        assert (view.state, view.ready, view.total, view.reason) == ("running", 2, 2, None)

    def test_its_absence_is_not_success_where_nothing_runs(self) -> None:
        state = running_engine(ended(exit_code=1), models=WITH_JOB)
        assert (shown(state).state, shown(state).ready) == ("error", 0)
        assert [str(s.reason) for s in shown(state).services] == ["ended with exit code 1", "None"]

    def test_one_that_is_to_run_again_is_not_ready_yet(self) -> None:
        state = running_engine(container(), models=WITH_JOB)
        busy = operation("up", ("create", "web/job", "pending"))
        state = after(OperationChanged(busy), start=state)
        assert (shown(state).state, shown(state).ready) == ("starting", 1)

    def test_a_stopped_module_is_stopped_whatever_its_job_left(self) -> None:
        state = running_engine(ended(exit_code=143), ended("web/job"), models=WITH_JOB, desired=())
        assert (shown(state).state, shown(state).ready) == ("stopped", 0)

    def test_it_does_not_make_a_module_degraded_that_has_nothing_else_left(self) -> None:
        state = running_engine(ended(exit_code=1), ended("web/job"), models=WITH_JOB)
        assert shown(state).state == "error"


class TestOwnWork:
    @pytest.mark.parametrize("kind", ["up", "restart"])
    @pytest.mark.parametrize("found", [None, ended(exit_code=1), container(health="unhealthy")])
    def test_what_an_operation_still_starts_is_starting(
        self, kind: OperationKind, found: Container | None
    ) -> None:
        state = running_engine(*([found] if found else []))
        assert shown(state).state == "error"
        busy = operation(kind, ("start", "web/app", "pending"))
        assert shown(after(OperationChanged(busy), start=state)).state == "starting"

    def test_what_an_operation_has_done_with_is_as_it_is(self) -> None:
        done = operation("up", ("start", "web/app", "done"), ("start", "web/other", "pending"))
        state = after(OperationChanged(done), start=running_engine(ended(exit_code=1)))
        assert shown(state).state == "error"

    def test_the_end_of_the_operation_shows_what_became_of_it(self) -> None:
        begun = operation("up", ("wait", "web/app", "running"))
        state = after(OperationChanged(begun), start=running_engine(ended(exit_code=1)))
        assert shown(state).state == "starting"
        failed = operation("up", ("wait", "web/app", "failed"), status="failed")
        assert shown(after(OperationChanged(failed), start=state)).state == "error"

    @pytest.mark.parametrize("status", ["running", "waiting"])
    def test_a_start_without_steps_yet_starts_its_modules_and_what_they_require(
        self, status: OperationStatus
    ) -> None:
        models = (model("db", kind="basic"), model("web", requires=("db",)), model("other"))
        state = running_engine(models=models, desired=("web", "other"))
        state = after(OperationChanged(operation("up", status=status)), start=state)
        assert {view.name: view.state for view in state.snapshot.modules} == {
            "db": "starting", "web": "starting", "other": "error",
        }  # fmt: skip

    @pytest.mark.parametrize("kind", ["stop", "down"])
    def test_a_stop_in_progress_is_stopping(self, kind: OperationKind) -> None:
        busy = operation(kind, ("stop", "web/app", "running"))
        state = after(OperationChanged(busy), start=running_engine(container(), desired=()))
        assert shown(state).state == state.snapshot.state == "stopping"

    def test_a_down_is_stopping_until_its_networks_are_gone(self) -> None:
        busy = operation(
            "down", ("remove", "web/app", "done"), ("remove_network", "web/", "running")
        )
        state = after(OperationChanged(busy), start=running_engine(desired=()))
        assert shown(state).state == "stopping"

    def test_a_stop_that_waits_for_another_operation_is_not_stopping_yet(self) -> None:
        waits = operation("stop", ("stop", "web/app", "pending"), status="waiting")
        state = after(OperationChanged(waits), start=running_engine(container()))
        assert shown(state).state == "running"

    def test_a_healthy_service_that_is_to_be_restarted_still_runs(self) -> None:
        busy = operation("restart", ("stop", "web/app", "pending"), ("start", "web/app", "pending"))
        state = after(OperationChanged(busy), start=running_engine(container(health="healthy")))
        assert shown(state).state == "running"


class TestUnplannedExit:
    """A container that ended without us is an error until it is healthy again."""

    @pytest.mark.parametrize(
        "back",
        [
            {"started_at": at(60)},
            {"restart_count": 1},
        ],
    )
    def test_it_stays_an_error_while_it_recovers(self, back: dict[str, Any]) -> None:
        state = running_engine(container(health="healthy"))
        state = after(ContainerSeen(container(health="starting", **back)), start=state)
        assert shown(state).state == "error"
        assert reason(state) == "app: ended unexpectedly and is not healthy again yet"
        state = after(ContainerSeen(container(health="healthy", **back)), start=state)
        assert shown(state).state == "running"
        state = after(ContainerSeen(container(health="starting", **back)), start=state)
        assert shown(state).state == "starting", "the exit is forgotten once it was healthy"

    def test_it_is_seen_in_the_exit_itself_too(self) -> None:
        state = after(
            ContainerSeen(ended(exit_code=1)),
            ContainerSeen(container(health="starting", started_at=at(9))),
            start=running_engine(container(health="healthy")),
        )
        assert shown(state).state == "error"

    def test_one_that_ends_while_it_recovers_stays_an_error(self) -> None:
        state = running_engine(container(health="healthy"))
        for second in range(1, 4):
            back = container(health="starting", started_at=at(second), restart_count=second)
            state = after(ContainerSeen(back), start=state)
            assert shown(state).state == "error"

    def test_the_engines_count_of_restarts_tells_it_at_first_sight(self) -> None:
        state = running_engine(container(health="starting", restart_count=2))
        assert shown(state).state == "error"

    def test_an_exit_by_our_own_hand_is_planned(self) -> None:
        state = running_engine(container(health="healthy"))
        stops = operation("restart", ("stop", "web/app", "running"))
        waits = operation("restart", ("wait", "web/app", "running"))
        for busy, found in (
            (stops, ended(exit_code=143)),
            (waits, container(health="starting", started_at=at(9))),
        ):
            state = after(OperationChanged(busy), ContainerSeen(found), start=state)
            assert shown(state).state == "starting"
        over = operation("restart", ("wait", "web/app", "done"), status="succeeded")
        assert shown(after(OperationChanged(over), start=state)).state == "starting"

    @pytest.mark.parametrize(
        "busy",
        [operation("restart", ("wait", "web/app", "running")), operation("restart")],
        ids=["ours", "another process's"],
    )
    def test_a_restart_by_our_own_hand_of_which_only_the_end_was_seen_is_planned(
        self, busy: OperationView
    ) -> None:
        again = container(health="starting", started_at=at(9))
        over = operation("restart", status="succeeded")
        state = after(
            OperationChanged(busy),
            ContainerSeen(again),
            OperationChanged(over),
            start=running_engine(container(health="healthy")),
        )
        assert shown(state).state == "starting"

    def test_a_start_by_us_makes_a_new_beginning(self) -> None:
        state = after(ContainerSeen(ended(exit_code=1)), start=running_engine(container()))
        busy = operation("up", ("start", "web/app", "running"))
        over = operation("up", ("start", "web/app", "done"), status="succeeded")
        again = ContainerSeen(container(health="starting", started_at=at(9)))
        state = after(OperationChanged(busy), again, OperationChanged(over), start=state)
        assert shown(state).state == "starting"

    def test_a_new_container_makes_a_new_beginning(self) -> None:
        state = after(ContainerSeen(ended(exit_code=1)), start=running_engine(container()))
        state = after(ContainerSeen(container(id="new", health="starting")), start=state)
        assert shown(state).state == "starting"

    def test_the_first_start_is_none(self) -> None:
        state = after(
            ContainerSeen(container(status="created", started_at=None)),
            ContainerSeen(container(health="starting", started_at=at(1))),
            start=running_engine(),
        )
        assert shown(state).state == "starting"

    def test_a_container_started_by_hand_is_none(self) -> None:
        """Someone stopped it with us, and started it without."""
        state = running_engine(ended(exit_code=0), desired=())
        state = after(ContainerSeen(container(health="starting", started_at=at(9))), start=state)
        assert shown(state).state == "starting"


class TestModule:
    THREE = (model("web", "a", "b", "c"),)

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            ([container("web/a"), container("web/b"), container("web/c")], "running"),
            ([container("web/a"), ended("web/b", 1), container("web/c")], "degraded"),
            ([container("web/a"), ended("web/b", 1), container("web/c", health="starting")],
             "degraded"),
            ([ended("web/a", 1), container("web/b", health="starting")], "error"),
            ([ended("web/a", 1), ended("web/b", 1), ended("web/c", 1)], "error"),
            ([container("web/a", health="starting"), container("web/b"), container("web/c")],
             "starting"),
        ],
    )  # fmt: skip
    def test_is_the_worst_of_its_services_and_degraded_where_some_run(
        self, found: list[Container], expected: State
    ) -> None:
        view = shown(running_engine(*found, models=self.THREE))
        assert view.state == expected
        assert view.total == 3
        assert view.ready == sum(c.is_ready for c in found)

    def test_with_one_service_running_unwanted_runs(self) -> None:
        state = running_engine(container("web/a"), ended("web/b"), models=self.THREE, desired=())
        assert (shown(state).state, shown(state).ready) == ("running", 1)

    def test_without_containers_and_with_a_problem_says_the_problem(self) -> None:
        broken = ModuleModel("web", "feature", problem=Text("its file is wrong"))
        state = running_engine(models=(broken,))
        assert (shown(state).state, reason(state)) == ("error", "its file is wrong")
        assert shown(running_engine(models=(broken,), desired=())).state == "stopped"

    def test_that_runs_in_spite_of_a_problem_runs_and_says_it(self) -> None:
        broken = ModuleModel("web", "feature", problem=Text("its file is wrong"))
        state = running_engine(container(), models=(broken,))
        view = shown(state)
        assert (view.state, view.ready, view.total) == ("running", 1, 1)
        assert reason(state) == "its file is wrong"

    def test_whose_services_are_all_in_inactive_profiles_has_nothing_left_to_do(self) -> None:
        empty = ModuleModel("web", "feature")
        assert shown(running_engine(models=(empty,))).state == "running"
        assert shown(running_engine(models=(empty,), desired=())).state == "stopped"

    def test_shows_what_left_the_model_and_does_not_count_it(self) -> None:
        state = running_engine(container(), ended("web/old", 1))
        view = shown(state)
        assert [(s.name, s.state) for s in view.services] == [("app", "running"), ("old", "exited")]
        assert (view.state, view.ready, view.total, view.reason) == ("running", 1, 1, None)


class TestOrphan:
    def test_has_containers_and_no_folder(self) -> None:
        state = running_engine(container("gone/app"), models=(), desired=("gone",))
        view = shown(state, "gone")
        assert (view.orphan, view.wanted, view.state) == (True, False, "running")
        assert (view.ready, view.total, view.services[0].name) == (1, 1, "app")
        assert state.snapshot.state == "running"

    def test_is_stopped_once_its_containers_have_ended(self) -> None:
        assert shown(running_engine(ended("gone/app", 1), models=()), "gone").state == "stopped"

    def test_comes_after_the_catalogs_modules(self) -> None:
        models = (model("z"), model("b"))
        state = running_engine(container("d/x"), container("a/x"), models=models, desired=())
        assert [view.name for view in state.snapshot.modules] == ["z", "b", "a", "d"]
        assert [view.orphan for view in state.snapshot.modules] == [False, False, True, True]

    def test_disappears_with_its_last_container(self) -> None:
        state = running_engine(container("gone/app"), models=())
        assert after(ContainerGone("id-of-gone-app"), start=state).snapshot.modules == ()


class TestRequires:
    MODELS = (
        model("db", kind="basic"),
        model("cache", kind="basic", requires=("db",)),
        model("web", requires=("cache",)),
        model("chat", requires=("db",)),
    )

    def test_what_a_wanted_module_requires_is_wanted(self) -> None:
        state = running_engine(models=self.MODELS, desired=("web", "unknown"))
        assert [v.name for v in state.snapshot.modules if v.wanted] == ["db", "cache", "web"]

    def test_used_by_names_the_features_wanted_or_running_that_need_it(self) -> None:
        state = running_engine(models=self.MODELS, desired=("web",))
        assert shown(state, "db").used_by == ("web",)
        assert shown(state, "cache").used_by == ("web",)
        assert shown(state, "web").used_by == ()
        state = after(ContainerSeen(container("chat/app")), start=state)
        assert shown(state, "db").used_by == ("web", "chat")
        state = after(ContainerSeen(ended("chat/app")), start=state)
        assert shown(state, "db").used_by == ("web",)

    def test_a_circle_does_not_hang(self) -> None:
        models = (model("a", requires=("b",)), model("b", requires=("a",)))
        state = running_engine(models=models, desired=("a",))
        assert [view.wanted for view in state.snapshot.modules] == [True, True]


class TestOverall:
    CONTAINERS: ClassVar = {
        "error": ended("error/app", 1),
        "running": container("running/app"),
        "starting": container("starting/app", health="starting"),
        "stopped": ended("stopped/app"),
        "stopping": container("stopping/app"),
        "degraded": container("degraded/a"),
    }

    @pytest.mark.parametrize(
        ("modules", "expected"),
        [
            ("error degraded stopping starting running stopped", "error"),
            ("degraded stopping starting running stopped", "degraded"),
            ("stopping starting running stopped", "stopping"),
            ("starting running stopped", "starting"),
            ("running stopped", "running"),
            ("stopped", "stopped"),
            ("", "stopped"),
        ],
    )
    def test_is_the_first_in_order_of_all_modules(self, modules: str, expected: State) -> None:
        names = modules.split()
        services = {"degraded": ("a", "b")}
        state = running_engine(
            *(self.CONTAINERS[name] for name in names),
            models=tuple(model(name, *services.get(name, ("app",))) for name in names),
            desired=tuple(name for name in names if name != "stopped"),
        )
        busy = operation("stop", ("stop", "stopping/app", "running"), modules=("stopping",))
        state = after(OperationChanged(busy), start=state)
        assert {view.name: view.state for view in state.snapshot.modules} == {n: n for n in names}
        assert state.snapshot.state == expected


class TestEngineDown:
    ERROR = EngineDownError("unix:///var/run/docker.sock", "no such file")

    def test_is_the_state_of_everything(self) -> None:
        state = after(
            EngineDown(self.ERROR), start=running_engine(container(), container("old/app"))
        )
        view = shown(state)
        assert state.snapshot.state == view.state == "engine_down"
        assert (view.ready, view.total, view.reason) == (0, 1, None)
        assert view.services[0].state == "absent"
        assert [v.name for v in state.snapshot.modules] == ["web"], "an orphan is not known of"
        assert state.snapshot.engine.error is self.ERROR
        assert state.snapshot.engine.version is None

    def test_is_so_before_anything_is_known(self) -> None:
        state = after(ModulesChanged((model(),)), DesiredChanged(frozenset({"web"})))
        assert state.snapshot.state == shown(state).state == "engine_down"

    def test_ends_with_the_containers_known(self) -> None:
        state = after(EngineDown(self.ERROR), start=running_engine(container()))
        state = after(ContainersListed((container(),)), start=state)
        assert state.snapshot.state == "engine_down"
        assert after(UP, start=state).snapshot.state == "running"

    def test_what_the_engine_revives_starts(self) -> None:
        """It went down with the engine: no fault of the container's."""
        state = after(
            EngineDown(self.ERROR),
            ContainersListed((container(health="starting", started_at=at(60)),)),
            UP,
            start=running_engine(container(health="healthy")),
        )
        assert shown(state).state == "starting"

    def test_the_same_news_again_changes_nothing(self) -> None:
        state = after(EngineDown(self.ERROR))
        again = EngineDown(EngineDownError("unix:///var/run/docker.sock", "no such file"))
        assert after(again, start=state) is state
        other = EngineDown(EngineDownError("unix:///var/run/docker.sock", "refused"))
        assert after(other, start=state) is not state
