"""The table "Health and colours": from containers to the state of services."""

from dataclasses import replace
from typing import Any

import pytest

from aiserver_tray.model import (
    Container,
    ModuleModel,
    OperationKind,
    OperationStatus,
    Port,
    ServiceModel,
    State,
)
from aiserver_tray.state.facts import (
    OperationChanged,
)
from aiserver_tray.state.views import OperationView
from tests.support.made import (
    after,
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
def test_unwanted_module_that_does_not_run_is_stopped(containers: list[Container]) -> None:
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
        ({"status": "restarting", "exit_code": 1}, "starting"),
        ({"status": "restarting", "exit_code": 1, "restart_count": 4}, "error"),
    ],
)
def test_unwanted_module_that_runs_shows_its_health(
    changes: dict[str, Any], expected: State
) -> None:
    state = running_engine(container(**changes), desired=())
    assert shown(state).state == expected
    assert state.snapshot.state == expected


@pytest.mark.parametrize(
    ("found", "expected", "why"),
    [
        (container(status="created"), "starting", "app: created, but not started yet"),
        (container(health="starting"), "starting", ""),
        (container(health="healthy"), "running", ""),
        (container(), "running", ""),
        (None, "error", "app: should be running, but has no container"),
        (ended(exit_code=0), "error", "app: exited with code 0"),
        (ended(exit_code=3), "error", "app: exited with code 3"),
        (
            ended(exit_code=137, oom_killed=True),
            "error",
            "app: ran out of memory (exit code 137)",
        ),
        (ended(exit_code=137), "error", "app: killed from outside by signal 9"),
        (container(status="dead", exit_code=1), "error", "app: exited with code 1"),
        (container(status="paused"), "error", "app: paused"),
        (
            container(status="restarting", exit_code=2),
            "starting",
            "app: exited with code 2",
        ),
        (
            container(status="restarting", exit_code=2, restart_count=4),
            "error",
            "app: keeps exiting and restarting: exited with code 2",
        ),
        (container(status="removing"), "error", "app: being removed"),
        (
            container(health="unhealthy", last_check="no answer\nsecond line"),
            "error",
            "app: unhealthy: no answer",
        ),
        (container(health="unhealthy"), "error", "app: unhealthy"),
        (container(oom_killed=True), "error", "app: lost a process because it ran out of memory"),
        (container(oom_killed=True, health="healthy"), "running", ""),
        (
            container(status="created", exit_code=128, error="port is already allocated"),
            "error",
            "app: can't start: port is already allocated",
        ),
        (
            ended(exit_code=127, error="no such file"),
            "error",
            "app: exited with code 127: no such file",
        ),
    ],
)
def test_wanted_module_shows_the_state_of_its_container(
    found: Container | None, expected: State, why: str
) -> None:
    state = running_engine(*([found] if found else []))
    assert (shown(state).state, reason(state)) == (expected, why)
    assert state.snapshot.state == expected


def test_a_reason_does_not_repeat_the_name_of_the_module() -> None:
    state = running_engine(
        ended("n8n/n8n", exit_code=1), models=(model("n8n", "n8n"),), desired=("n8n",)
    )
    assert reason(state, "n8n") == "exited with code 1"
    assert str(shown(state, "n8n").services[0].reason) == "exited with code 1"


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

    def test_failed_job_is_the_reason_before_services_that_wait_for_it(self) -> None:
        """The service stands before it in the file."""
        found = container(status="created"), ended("web/job", exit_code=1)
        state = running_engine(*found, models=WITH_JOB)
        assert reason(state) == "job: the job failed with exit code 1"

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
        assert [str(s.reason) for s in shown(state).services] == ["exited with code 1", "None"]

    def test_one_that_is_to_run_again_is_not_ready_yet(self) -> None:
        state = running_engine(container(), models=WITH_JOB)
        busy = operation("up", ("create", "web/job", "pending"))
        state = after(OperationChanged(busy), start=state)
        assert (shown(state).state, shown(state).ready) == ("starting", 1)

    def test_stopped_module_with_a_failed_job_is_stopped(self) -> None:
        state = running_engine(ended(exit_code=143), ended("web/job"), models=WITH_JOB, desired=())
        assert (shown(state).state, shown(state).ready) == ("stopped", 0)

    def test_it_does_not_make_a_module_degraded_that_has_nothing_else_left(self) -> None:
        state = running_engine(ended(exit_code=1), ended("web/job"), models=WITH_JOB)
        assert shown(state).state == "error"


class TestAwaitedJob:
    """A job without a container, after an `up` that could not make it: its image is not there."""

    MODELS = (
        ModuleModel(
            "web",
            "feature",
            services=(
                ServiceModel("db", "ai-web-db", "db:1", depends_on=("seed",)),
                ServiceModel("seed", "ai-web-seed", "job:1", is_job=True),
                ServiceModel("app", "ai-web-app", "app:1", depends_on=("db", "late")),
                ServiceModel("late", "ai-web-late", "job:1", is_job=True, depends_on=("early",)),
                ServiceModel("early", "ai-web-early", "job:1", is_job=True),
            ),
        ),
    )
    DB = container("web/db")
    MADE = container("web/app", status="created")

    def test_it_is_an_error_where_a_service_was_made_and_waits_for_it(self) -> None:
        view = shown(running_engine(self.DB, self.MADE, models=self.MODELS))
        assert (view.state, view.ready, view.total) == ("degraded", 2, 5), "db, and its own job"
        assert str(view.reason) == "late: should be running, but has no container"
        assert str(view.services[4].reason) == "should be running, but has no container"
        assert view.services[1].reason is None

    def test_missing_job_counts_as_not_done_if_its_service_is_missing_too(self) -> None:
        view = shown(running_engine(self.DB, models=self.MODELS))
        assert (view.state, view.ready) == ("degraded", 2)

    def test_missing_service_that_the_next_start_brings_is_no_error(self) -> None:
        view = shown(running_engine(self.DB, container("web/old"), models=self.MODELS))
        assert (view.state, view.ready) == ("running", 2)

    def test_it_is_done_where_all_that_depend_on_it_were_started(self) -> None:
        view = shown(running_engine(self.DB, container("web/app"), models=self.MODELS))
        assert (view.state, view.ready, view.reason) == ("running", 5, None)

    def test_one_job_that_waits_for_another_is_none_that_was_started(self) -> None:
        made = container("web/late", status="created")
        view = shown(running_engine(self.DB, self.MADE, made, models=self.MODELS))
        assert str(view.reason) == "early: should be running, but has no container"

    def test_unwanted_module_with_ended_services_is_stopped(self) -> None:
        found = ended("web/db"), self.MADE
        assert shown(running_engine(*found, models=self.MODELS, desired=())).state == "stopped"

    @pytest.mark.parametrize(
        "busy",
        [
            operation("up", ("create", "web/late", "pending"), ("create", "web/early", "pending")),
            operation("up"),
        ],
        ids=["ours", "another process's"],
    )
    def test_a_start_may_still_bring_it(self, busy: OperationView) -> None:
        found = running_engine(self.DB, self.MADE, models=self.MODELS)
        assert shown(after(OperationChanged(busy), start=found)).state == "starting"


class TestChanged:
    """A module that runs, and of which other services are chosen now."""

    def test_a_service_that_comes_with_the_next_start_is_no_error(self) -> None:
        state = running_engine(
            container(), container("web/old"), models=(model("web", "app", "new"),)
        )
        view = shown(state)
        assert (view.state, view.ready, view.total) == ("running", 1, 2)
        assert reason(state) == "new: new; will be created at the next start of the module"

    def test_its_page_is_where_it_is_published_while_it_runs(self) -> None:
        models = (model("web", open="http://localhost:2/a?b=:3"),)
        page = "localhost:1"
        assert shown(running_engine(container(page=page), models=models)).open == (
            "http://localhost:1/a?b=:3"
        )
        assert shown(running_engine(ended(page=page), models=models)).open == models[0].open
        assert shown(running_engine(container(), models=models)).open == models[0].open
        gone = running_engine(container(page=page), models=(model("web"),))
        assert shown(gone).open is None

    def test_a_published_port_that_may_be_a_web_page_is_one_and_the_first_is_its_page(self) -> None:
        """In the file's order. A page that the file names counts before them."""
        found = replace(model("web", "db", "app"), pages=(("app", 8080), ("app", 443)))
        both = Port("127.0.0.1", 20443, 443), Port("::", 20080, 8080), Port("::1", 9, 8080, "udp")
        running = (
            container("web/db", ports=(Port("0.0.0.0", 25432, 5432),)),
            container(ports=both),
        )
        view = shown(running_engine(*running, models=(found,)))
        assert view.open == "http://localhost:20080"
        assert view.abilities["open"] is None
        assert [(port.host, port.open) for port in view.ports] == [
            (25432, None), (20443, "https://localhost:20443"), (20080, view.open), (9, None),
        ]  # fmt: skip

        named = replace(found, open="https://localhost:20443/home")
        view = shown(running_engine(*running, models=(named,)))
        assert view.open == view.ports[1].open == named.open

        off = shown(running_engine(models=(found,)))
        assert (off.open, str(off.abilities["open"])) == (
            None, "Its web page is available once it is running",
        )  # fmt: skip

    def test_stopped_leftover_does_not_explain_a_missing_service(self) -> None:
        state = running_engine(container(), ended("web/old"), models=(model("web", "app", "new"),))
        assert shown(state).state == "degraded"


class TestMayEnd:
    """A service that nothing restarts, and that serves nobody."""

    SERVICES = (
        ServiceModel("app", "ai-web-app", "app:1"),
        ServiceModel("once", "ai-web-once", "once:1", may_end=True),
    )
    MODELS = (ModuleModel("web", "feature", services=SERVICES),)

    def test_one_that_ended_with_0_is_done(self) -> None:
        state = running_engine(container(), ended("web/once"), models=self.MODELS)
        view = shown(state)
        assert (view.state, view.ready, view.total, view.reason) == ("running", 2, 2, None)

    def test_one_that_ended_otherwise_or_is_absent_is_an_error(self) -> None:
        failed = running_engine(container(), ended("web/once", exit_code=1), models=self.MODELS)
        assert reason(failed) == "once: exited with code 1"
        absent = running_engine(container(), models=self.MODELS)
        assert reason(absent) == "once: should be running, but has no container"

    def test_module_with_a_done_job_and_a_failed_service_is_degraded(self) -> None:
        state = running_engine(ended(exit_code=1), ended("web/once"), models=self.MODELS)
        assert shown(state).state == "degraded"
        stopped = running_engine(
            ended(exit_code=143), ended("web/once"), models=self.MODELS, desired=()
        )
        assert (shown(stopped).state, shown(stopped).ready) == ("stopped", 0)


class TestOwnWork:
    @pytest.mark.parametrize("kind", ["up", "restart"])
    @pytest.mark.parametrize("found", [None, ended(exit_code=1), container(health="unhealthy")])
    def test_service_that_an_operation_will_start_is_starting(
        self, kind: OperationKind, found: Container | None
    ) -> None:
        state = running_engine(*([found] if found else []))
        assert shown(state).state == "error"
        busy = operation(kind, ("start", "web/app", "pending"))
        assert shown(after(OperationChanged(busy), start=state)).state == "starting"

    def test_service_that_an_operation_is_done_with_shows_its_own_state(self) -> None:
        done = operation("up", ("start", "web/app", "done"), ("start", "web/other", "pending"))
        state = after(OperationChanged(done), start=running_engine(ended(exit_code=1)))
        assert shown(state).state == "error"

    def test_end_of_an_operation_shows_the_real_state(self) -> None:
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
