"""The state of modules, of all together, and of the engine, from that of their services."""

from dataclasses import replace

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Container, ModuleModel, State, StepKind
from aiserver_tray.state.facts import (
    ChosenChanged,
    ContainerGone,
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    EngineDown,
    ModulesChanged,
    OperationChanged,
    OutdatedChanged,
)
from tests.support.made import (
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

THREE = (model("web", "a", "b", "c"),)
BROKEN = ModuleModel("web", "feature", problem=Text("its file is wrong"))


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
def test_a_module_is_the_worst_of_its_services_and_degraded_where_some_run(
    found: list[Container], expected: State
) -> None:
    view = shown(running_engine(*found, models=THREE))
    assert (view.state, view.total) == (expected, 3)
    assert view.ready == sum(c.is_ready for c in found)


def test_unwanted_module_of_which_one_service_runs_runs() -> None:
    state = running_engine(container("web/a"), ended("web/b"), models=THREE, desired=())
    assert (shown(state).state, shown(state).ready) == ("running", 1)


def test_a_module_shows_its_problem_and_what_is_left_of_it() -> None:
    state = running_engine(models=(BROKEN,))
    assert (shown(state).state, reason(state)) == ("error", "its file is wrong")
    assert shown(running_engine(models=(BROKEN,), desired=())).state == "stopped"
    state = running_engine(container(), models=(BROKEN,))
    view = shown(state)
    assert (view.state, view.ready, view.total) == ("running", 1, 1)
    assert reason(state) == "its file is wrong"
    # A module with only inactive profiles counts as running.
    empty = ModuleModel("web", "feature")
    assert shown(running_engine(models=(empty,))).state == "running"
    assert shown(running_engine(models=(empty,), desired=())).state == "stopped"
    # A removed service is shown but not counted.
    view = shown(running_engine(container(), ended("web/old", 1)))
    assert [(s.name, s.state) for s in view.services] == [("app", "running"), ("old", "exited")]
    assert (view.state, view.ready, view.total, view.reason) == ("running", 1, 1, None)


def test_a_module_runs_without_the_service_that_the_user_stopped_alone() -> None:
    two = (model("web", "app", "worker"),)
    state = running_engine(container(), ended("web/worker", exit_code=137), models=two)
    assert shown(state).state == "degraded"
    alone = DesiredChanged(frozenset({"web"}), frozenset({"web/worker"}))
    state = after(alone, start=state)
    view = shown(state)
    assert (view.state, view.ready, view.total, view.reason) == ("running", 1, 1, None)
    state = after(ContainerSeen(container("web/worker", health="unhealthy")), start=state)
    assert shown(state).state == "degraded", "it was started again, and fails"


def test_an_orphan_has_containers_and_no_folder() -> None:
    state = running_engine(container("gone/app"), models=(), desired=("gone",))
    view = shown(state, "gone")
    assert (view.orphan, view.wanted, view.state) == (True, False, "running")
    assert (view.ready, view.total, view.services[0].name) == (1, 1, "app")
    assert state.snapshot.state == "running"
    assert shown(running_engine(ended("gone/app", 1), models=()), "gone").state == "stopped"
    assert after(ContainerGone("id-of-gone-app"), start=state).snapshot.modules == ()

    models = (model("z"), model("b"))
    state = running_engine(container("d/x"), container("a/x"), models=models, desired=())
    assert [view.name for view in state.snapshot.modules] == ["z", "b", "a", "d"]
    assert [view.orphan for view in state.snapshot.modules] == [False, False, True, True]


REQUIRING = (
    model("db", kind="basic"),
    model("cache", kind="basic", requires=("db",)),
    model("web", requires=("cache",)),
    model("chat", requires=("db",)),
)


def test_required_modules_of_a_wanted_module_are_wanted_and_name_their_users() -> None:
    state = running_engine(models=REQUIRING, desired=("web", "unknown"))
    assert [v.name for v in state.snapshot.modules if v.wanted] == ["db", "cache", "web"]
    used = {name: shown(state, name).used_by for name in ("db", "cache", "web")}
    assert used == {"db": ("web",), "cache": ("web",), "web": ()}
    assert shown(state, "db").needed_by == ("web", "chat")
    state = after(ContainerSeen(container("chat/app")), start=state)
    assert shown(state, "db").used_by == ("web", "chat")
    state = after(ContainerSeen(ended("chat/app")), start=state)
    assert shown(state, "db").used_by == ("web",)


def test_used_by_names_running_modules_that_started_with_it() -> None:
    running = [container(name, requires=("cache",)) for name in ("web/app", "gone/app")]
    models = (*REQUIRING[:2], model("web"))
    state = running_engine(*running, models=models, desired=())
    assert shown(state, "cache").used_by == shown(state, "db").used_by == ("web", "gone")
    assert not shown(state, "cache").wanted, "what is wanted is what the files say"
    # A circle does not hang.
    circle = (model("a", requires=("b",)), model("b", requires=("a",)))
    state = running_engine(models=circle, desired=("a",))
    assert [view.wanted for view in state.snapshot.modules] == [True, True]


class TestNeeds:
    """A module that runs, and what it requires does not."""

    MODELS = (
        model("db", kind="basic", title={"en": "PostgreSQL"}),
        model("cache", kind="basic", requires=("db",), title={"en": "Redis"}),
        model("web", requires=("cache",), open="http://localhost:1"),
    )
    DB, CACHE, WEB = (container(f"{name}/app") for name in ("db", "cache", "web"))
    DOWN, SLOW = ended("db/app", 137), container("cache/app", health="starting")
    SICK = container("web/app", health="unhealthy")

    @pytest.mark.parametrize(
        ("found", "states", "word", "remedy", "sentence"),
        [
            ((DB, CACHE, WEB), "running running running", None, None, None),
            ((DOWN, CACHE, WEB), "error degraded degraded", "needs PostgreSQL",
             "Restart PostgreSQL", "PostgreSQL is down"),
            ((DOWN, CACHE, SICK), "error degraded degraded", "needs PostgreSQL",
             "Restart PostgreSQL", "PostgreSQL is down"),
            ((DOWN, SLOW, WEB), "error starting degraded", "needs PostgreSQL and Redis",
             "Restart PostgreSQL", "PostgreSQL is down"),
            ((DB, SLOW, WEB), "running starting degraded", "waits for Redis", None, None),
            ((DB, CACHE, SICK), "running running error", None, None, "web is down"),
        ],
        ids=["nothing", "down", "it is unhealthy, too", "two", "slow", "its own trouble"],
    )  # fmt: skip
    def test_is_degraded_and_names_what_it_needs_and_the_first_step(
        self,
        found: tuple[Container, ...],
        states: str,
        word: str | None,
        remedy: str | None,
        sentence: str | None,
    ) -> None:
        state = running_engine(*found, models=self.MODELS)
        view = shown(state)
        assert [module.state for module in state.snapshot.modules] == states.split()
        assert (view.word and str(view.word)) == word
        assert (view.remedy and str(view.remedy["text"])) == remedy
        assert (state.snapshot.sentence and str(state.snapshot.sentence)) == sentence
        assert (view.trouble is None) == (sentence != "web is down"), "its cause has the card"
        if word:
            assert (str(view.abilities["open"]), view.abilities["start"]) == (word, None)
        if word == "waits for Redis":
            assert state.snapshot.state == "starting", "no failure of everything"
        if view.remedy:
            cause = shown(state, "db").trouble
            assert cause
            assert view.remedy == cause.remedies[0], "one act has one wording"

    @pytest.mark.parametrize(
        ("step", "found"),
        [
            ("stop", DB),
            ("start", ended("db/app")),
            ("wait", container("db/app", health="starting")),
        ],
        ids=["stop", "start", "wait"],
    )
    def test_a_restart_is_called_one_from_its_first_step_to_its_last(
        self, step: StepKind, found: Container
    ) -> None:
        begun = operation("restart", (step, "db/app", "running"), ("wait", "db/app", "pending"))
        state = running_engine(found, self.CACHE, self.WEB, models=self.MODELS)
        seen = after(OperationChanged(replace(begun, modules=("db",))), start=state).snapshot
        assert [str(module.word) for module in seen.modules] == [
            "restarting", "waits for PostgreSQL", "waits for PostgreSQL",
        ]  # fmt: skip
        words = (seen.state, str(seen.word), str(seen.sentence))
        assert words == ("starting", "restarting", "PostgreSQL is restarting")

    def test_what_the_user_stopped_is_started_and_others_keep_their_view(self) -> None:
        state = running_engine(ended("db/app"), self.CACHE, self.WEB, models=self.MODELS)
        alone = DesiredChanged(frozenset({"web"}), frozenset({"db/app"}))
        state = after(alone, start=state)
        view = shown(state)
        assert view.remedy
        assert str(view.remedy["text"]) == "Start PostgreSQL"
        assert (view.remedy["module"], state.snapshot.state) == ("db", "degraded")
        assert shown(after(ContainerSeen(self.DB), start=state)).state == "running"
        # A module without a change keeps its view.
        state = running_engine(self.DOWN, self.CACHE, self.WEB, models=self.MODELS)
        later = after(ContainerSeen(ended("db/app", 1)), start=state)
        assert shown(later, "web") is shown(state, "web")
        assert shown(later, "db") is not shown(state, "db")


@pytest.mark.parametrize("expected", ["error", "degraded", "stopping", "starting", "running"])
def test_the_stack_is_the_worst_of_all_modules(expected: State) -> None:
    worst = ["error", "degraded", "stopping", "starting", "running", "stopped"]
    names = worst[worst.index(expected) :]
    found = {
        "error": ended("error/app", 1),
        "running": container("running/app"),
        "starting": container("starting/app", health="starting"),
        "stopped": ended("stopped/app"),
        "stopping": container("stopping/app"),
        "degraded": container("degraded/a"),
    }
    services = {"degraded": ("a", "b")}
    state = running_engine(
        *(found[name] for name in names),
        models=tuple(model(name, *services.get(name, ("app",))) for name in names),
        desired=tuple(name for name in names if name != "stopped"),
    )
    busy = operation("stop", ("stop", "stopping/app", "running"), modules=("stopping",))
    state = after(OperationChanged(busy), start=state)
    assert {view.name: view.state for view in state.snapshot.modules} == {n: n for n in names}
    assert state.snapshot.state == expected


def test_a_stack_in_which_nothing_runs_is_stopped() -> None:
    for models in ((model("web"),), ()):
        assert running_engine(models=models, desired=()).snapshot.state == "stopped"


def test_an_operation_shows_before_its_steps() -> None:
    models = (model("db", kind="basic"), model("web", requires=("db",)), model("chat"))
    asked = replace(operation("up", status="waiting"), modules=())
    state = after(ChosenChanged(("web",)), start=running_engine(models=models, desired=()))
    state = after(OperationChanged(asked), start=state)
    assert state.snapshot.state == "starting"
    assert [view.state for view in state.snapshot.modules] == ["starting", "starting", "stopped"]
    # Changed settings do not wait while an operation applies them.
    state = after(OutdatedChanged(frozenset({"web"})), start=running_engine(container()))
    assert shown(state).is_outdated
    state = after(OperationChanged(operation("up")), start=state)
    assert not shown(state).is_outdated


LOST = EngineDownError("unix:///var/run/docker.sock", "no such file")


def test_a_lost_engine_is_the_state_of_everything_until_its_containers_are_known() -> None:
    unknown = after(ModulesChanged((model(),)), DesiredChanged(frozenset({"web"})))
    assert unknown.snapshot.state == shown(unknown).state == "engine_down"

    state = after(EngineDown(LOST), start=running_engine(container(), container("old/app")))
    view = shown(state)
    assert state.snapshot.state == view.state == "engine_down"
    assert (view.ready, view.total, view.reason) == (0, 1, None)
    assert (view.services[0].state, view.services[0].last_state) == ("absent", "running")
    assert [v.name for v in state.snapshot.modules] == ["web"], "an orphan is not known of"
    assert state.snapshot.engine.error is LOST
    assert state.snapshot.engine.version is None
    assert state.snapshot.engine.cpus == UP.cpus, "what was measured is still of these"
    again = after(EngineDown(EngineDownError("here", "gone")), start=state)
    assert shown(again).services[0].last_state == "running", "it is still the last known one"

    state = after(ContainersListed((container(),)), start=state)
    assert state.snapshot.state == "engine_down"
    state = after(UP, start=state)
    assert (state.snapshot.state, shown(state).services[0].last_state) == ("running", None)
    # The same news of a lost engine changes nothing.
    state = after(EngineDown(LOST))
    same, other = (
        EngineDownError("unix:///var/run/docker.sock", why) for why in ("no such file", "refused")
    )
    assert after(EngineDown(same), start=state) is state
    assert after(EngineDown(other), start=state) is not state


def test_container_that_the_engine_restarts_is_starting() -> None:
    """It went down with the engine: no fault of the container's."""
    listed = ContainersListed((container(health="starting", started_at=at(60)),))
    state = running_engine(container(health="healthy"))
    assert shown(after(EngineDown(LOST), listed, UP, start=state)).state == "starting"
