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
    StepKind,
    StepStatus,
)
from aiserver_tray.state import reduce as reduced
from aiserver_tray.state.facts import OperationChanged
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
        (ended(exit_code=137, oom_killed=True), "error", "app: ran out of memory (exit code 137)"),
        (ended(exit_code=137), "error", "app: killed from outside by signal 9"),
        (container(status="dead", exit_code=1), "error", "app: exited with code 1"),
        (container(status="paused"), "error", "app: paused"),
        (container(status="restarting", exit_code=2), "starting", "app: exited with code 2"),
        (container(status="restarting", exit_code=2, restart_count=4), "error",
         "app: keeps exiting and restarting: exited with code 2"),
        (container(status="removing"), "error", "app: being removed"),
        (container(health="unhealthy", last_check="no answer\nsecond line"), "error",
         "app: unhealthy: no answer"),
        (container(health="unhealthy"), "error", "app: unhealthy"),
        (container(oom_killed=True), "error", "app: lost a process because it ran out of memory"),
        (container(oom_killed=True, health="healthy"), "running", ""),
        (container(status="created", exit_code=128, error="port is already allocated"), "error",
         "app: can't start: port is already allocated"),
        (ended(exit_code=127, error="no such file"), "error",
         "app: exited with code 127: no such file"),
    ],
)  # fmt: skip
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


Step = tuple[StepKind, str, StepStatus]


def look(state: reduced.State, module: str = "web") -> str:
    """Its state, how many are ready, and the reason."""
    view = shown(state, module)
    return f"{view.state} {view.ready} {reason(state, module)}".strip()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([container(), ended("web/job")], "running 2"),
        ([container(), ended("web/job", 4)], "degraded 1 job: the job failed with exit code 4"),
        ([container(status="created"), ended("web/job", 1)],
         "error 0 job: the job failed with exit code 1"),
        ([container(), container("web/job", status="created")],
         "starting 1 job: created, but not started yet"),
        ([container(), container("web/job")], "starting 1"),
        ([container()], "running 2"),
        ([ended(exit_code=1)], "error 0 app: exited with code 1"),
        ([ended(exit_code=1), ended("web/job")], "error 1 app: exited with code 1"),
    ],
    ids=[
        "done", "failed", "before the service that waits for it", "created", "running",
        "absent where the others run", "absent where nothing runs", "nothing else is left",
    ],
)  # fmt: skip
def test_a_job_is_ready_once_it_is_done(found: list[Container], expected: str) -> None:
    state = running_engine(*found, models=WITH_JOB)
    assert look(state) == expected
    assert shown(state).total == 2
    assert (shown(state).services[1].reason is not None) == ("job:" in expected)


def test_a_job_follows_its_module() -> None:
    failed = running_engine(ended("web/job", exit_code=4), models=WITH_JOB)
    assert str(shown(failed).services[1].reason) == "the job failed with exit code 4"
    assert shown(failed).state == "error"
    busy = OperationChanged(operation("up", ("create", "web/job", "pending")))
    state = after(busy, start=running_engine(container(), models=WITH_JOB))
    assert look(state) == "starting 1", "it is to run again"
    state = running_engine(ended(exit_code=143), ended("web/job"), models=WITH_JOB, desired=())
    assert look(state) == "stopped 0"


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
    MADE, LATE = (container(name, status="created") for name in ("web/app", "web/late"))
    MISSING = "should be running, but has no container"

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            ([DB, MADE], f"degraded 2 late: {MISSING}"),
            ([DB], f"degraded 2 app: {MISSING}"),
            ([DB, container("web/old")],
             "running 2 app: new; will be created at the next start of the module"),
            ([DB, container("web/app")], "running 5"),
            ([DB, MADE, LATE], f"degraded 2 early: {MISSING}"),
        ],
        ids=["its service waits", "its service is missing", "is new", "was started", "a job waits"],
    )  # fmt: skip
    def test_is_done_where_all_that_depend_on_it_were_started(
        self, found: list[Container], expected: str
    ) -> None:
        state = running_engine(*found, models=self.MODELS)
        assert look(state) == expected
        assert shown(state).services[1].reason is None

    def test_follows_its_module(self) -> None:
        found = running_engine(self.DB, self.MADE, models=self.MODELS)
        assert str(shown(found).services[4].reason) == self.MISSING
        steps: list[Step] = [("create", "web/late", "pending"), ("create", "web/early", "pending")]
        for busy in (operation("up", *steps), operation("up")):
            assert shown(after(OperationChanged(busy), start=found)).state == "starting"
        found = running_engine(ended("web/db"), self.MADE, models=self.MODELS, desired=())
        assert shown(found).state == "stopped", "nobody wants it"


class TestChanged:
    """A module that runs, and of which other services are chosen now."""

    def test_a_service_that_comes_with_the_next_start_is_no_error(self) -> None:
        state = running_engine(
            container(), container("web/old"), models=(model("web", "app", "new"),)
        )
        view = shown(state)
        assert (view.state, view.ready, view.total) == ("running", 1, 2)
        assert reason(state) == "new: new; will be created at the next start of the module"
        # A stopped leftover does not explain a missing service.
        state = running_engine(container(), ended("web/old"), models=(model("web", "app", "new"),))
        assert shown(state).state == "degraded"

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


@pytest.mark.parametrize(
    ("found", "desired", "expected"),
    [
        ([container(), ended("web/once")], "web", "running 2"),
        ([container(), ended("web/once", 1)], "web", "degraded 1 once: exited with code 1"),
        ([container()], "web", "degraded 1 once: should be running, but has no container"),
        ([ended(exit_code=1), ended("web/once")], "web", "degraded 1 app: exited with code 1"),
        ([ended(exit_code=143), ended("web/once")], "", "stopped 0"),
    ],
    ids=["done", "failed", "absent", "beside a failed one", "unwanted"],
)  # fmt: skip
def test_a_service_that_nothing_restarts_and_that_serves_nobody_may_end(
    found: list[Container], desired: str, expected: str
) -> None:
    app, once = (ServiceModel(name, f"ai-web-{name}", f"{name}:1") for name in ("app", "once"))
    web = ModuleModel("web", "feature", services=(app, replace(once, may_end=True)))
    state = running_engine(*found, models=(web,), desired=tuple(desired.split()))
    assert look(state) == expected
    assert shown(state).total == 2


@pytest.mark.parametrize("kind", ["up", "restart"])
@pytest.mark.parametrize("found", [None, ended(exit_code=1), container(health="unhealthy")])
def test_service_that_an_operation_will_start_is_starting(
    kind: OperationKind, found: Container | None
) -> None:
    state = running_engine(*([found] if found else []))
    assert shown(state).state == "error"
    busy = operation(kind, ("start", "web/app", "pending"))
    assert shown(after(OperationChanged(busy), start=state)).state == "starting"


START: Step = ("start", "web/app", "pending")
STOP: Step = ("stop", "web/app", "pending")
BEGUN: Step = ("stop", "web/app", "running")


@pytest.mark.parametrize(
    ("found", "busy", "expected"),
    [
        (ended(exit_code=1),
         operation("up", ("start", "web/app", "done"), ("start", "web/other", "pending")), "error"),
        (container(), operation("stop", BEGUN), "stopping"),
        (container(), operation("down", BEGUN), "stopping"),
        (None,
         operation("down", ("remove", "web/app", "done"), ("remove_network", "web/", "running")),
         "stopping"),
        (container(), operation("stop", STOP, status="waiting"), "running"),
        (container(health="healthy"), operation("restart", STOP, START), "running"),
    ],
    ids=["done with it", "stop", "down", "its network", "a waiting stop", "a later restart"],
)  # fmt: skip
def test_a_service_shows_what_an_operation_does_with_it(
    found: Container | None, busy: OperationView, expected: State
) -> None:
    desired = () if expected == "stopping" else ("web",)
    state = running_engine(*([found] if found else []), desired=desired)
    state = after(OperationChanged(busy), start=state)
    assert shown(state).state == state.snapshot.state == expected


def test_end_of_an_operation_shows_the_real_state() -> None:
    begun = operation("up", ("wait", "web/app", "running"))
    state = after(OperationChanged(begun), start=running_engine(ended(exit_code=1)))
    assert shown(state).state == "starting"
    failed = operation("up", ("wait", "web/app", "failed"), status="failed")
    assert shown(after(OperationChanged(failed), start=state)).state == "error"


@pytest.mark.parametrize("status", ["running", "waiting"])
def test_a_start_without_steps_yet_starts_its_modules_and_what_they_require(
    status: OperationStatus,
) -> None:
    models = (model("db", kind="basic"), model("web", requires=("db",)), model("other"))
    state = running_engine(models=models, desired=("web", "other"))
    state = after(OperationChanged(operation("up", status=status)), start=state)
    states = {view.name: view.state for view in state.snapshot.modules}
    assert states == {"db": "starting", "web": "starting", "other": "error"}
