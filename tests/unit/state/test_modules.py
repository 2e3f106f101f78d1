"""The state of modules, of all together, and of the engine, from that of their services."""

from dataclasses import replace
from typing import ClassVar

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import (
    Container,
    ModuleModel,
    State,
    StepKind,
)
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

    def test_running_module_with_a_problem_runs_and_shows_it(self) -> None:
        broken = ModuleModel("web", "feature", problem=Text("its file is wrong"))
        state = running_engine(container(), models=(broken,))
        view = shown(state)
        assert (view.state, view.ready, view.total) == ("running", 1, 1)
        assert reason(state) == "its file is wrong"

    def test_module_with_only_inactive_profiles_counts_as_running(self) -> None:
        empty = ModuleModel("web", "feature")
        assert shown(running_engine(models=(empty,))).state == "running"
        assert shown(running_engine(models=(empty,), desired=())).state == "stopped"

    def test_removed_service_is_shown_but_not_counted(self) -> None:
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

    def test_runs_without_the_service_that_the_user_stopped_alone(self) -> None:
        two = (model("web", "app", "worker"),)
        state = running_engine(container(), ended("web/worker", exit_code=137), models=two)
        assert shown(state).state == "degraded"
        alone = DesiredChanged(frozenset({"web"}), frozenset({"web/worker"}))
        state = after(alone, start=state)
        view = shown(state)
        assert (view.state, view.ready, view.total, view.reason) == ("running", 1, 1, None)
        state = after(ContainerSeen(container("web/worker", health="unhealthy")), start=state)
        assert shown(state).state == "degraded", "it was started again, and fails"

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

    def test_required_modules_of_a_wanted_module_are_wanted(self) -> None:
        state = running_engine(models=self.MODELS, desired=("web", "unknown"))
        assert [v.name for v in state.snapshot.modules if v.wanted] == ["db", "cache", "web"]

    def test_used_by_names_the_features_wanted_or_running_that_need_it(self) -> None:
        state = running_engine(models=self.MODELS, desired=("web",))
        assert shown(state, "db").used_by == ("web",)
        assert shown(state, "cache").used_by == ("web",)
        assert shown(state, "web").used_by == ()
        assert shown(state, "db").needed_by == ("web", "chat")
        state = after(ContainerSeen(container("chat/app")), start=state)
        assert shown(state, "db").used_by == ("web", "chat")
        state = after(ContainerSeen(ended("chat/app")), start=state)
        assert shown(state, "db").used_by == ("web",)

    def test_used_by_names_running_modules_that_started_with_it(self) -> None:
        names = ("web/app", "gone/app")
        running = [container(name, requires=("cache",)) for name in names]
        models = (*self.MODELS[:2], model("web"))
        state = running_engine(*running, models=models, desired=())
        assert shown(state, "cache").used_by == ("web", "gone")
        assert shown(state, "db").used_by == ("web", "gone")
        assert not shown(state, "cache").wanted, "what is wanted is what the files say"

    def test_a_circle_does_not_hang(self) -> None:
        models = (model("a", requires=("b",)), model("b", requires=("a",)))
        state = running_engine(models=models, desired=("a",))
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

    def test_what_waits_is_no_failure_of_everything(self) -> None:
        state = running_engine(self.DB, self.SLOW, self.WEB, models=self.MODELS)
        assert state.snapshot.state == "starting"

    def test_what_the_user_stopped_is_started(self) -> None:
        state = running_engine(ended("db/app"), self.CACHE, self.WEB, models=self.MODELS)
        alone = DesiredChanged(frozenset({"web"}), frozenset({"db/app"}))
        state = after(alone, start=state)
        view = shown(state)
        assert view.remedy
        assert str(view.remedy["text"]) == "Start PostgreSQL"
        assert (view.remedy["module"], state.snapshot.state) == ("db", "degraded")
        assert shown(after(ContainerSeen(self.DB), start=state)).state == "running"

    def test_a_module_without_a_change_keeps_its_view(self) -> None:
        state = running_engine(self.DOWN, self.CACHE, self.WEB, models=self.MODELS)
        later = after(ContainerSeen(ended("db/app", 1)), start=state)
        assert shown(later, "web") is shown(state, "web")
        assert shown(later, "db") is not shown(state, "db")


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


def test_a_start_of_everything_is_starting_before_it_names_its_modules() -> None:
    models = (model("db", kind="basic"), model("web", requires=("db",)), model("chat"))
    asked = replace(operation("up", status="waiting"), modules=())
    state = after(ChosenChanged(("web",)), start=running_engine(models=models, desired=()))
    state = after(OperationChanged(asked), start=state)
    assert state.snapshot.state == "starting"
    assert [view.state for view in state.snapshot.modules] == ["starting", "starting", "stopped"]


def test_changed_settings_do_not_wait_while_an_operation_applies_them() -> None:
    state = after(OutdatedChanged(frozenset({"web"})), start=running_engine(container()))
    assert shown(state).is_outdated
    state = after(OperationChanged(operation("up")), start=state)
    assert not shown(state).is_outdated


class TestEngineDown:
    ERROR = EngineDownError("unix:///var/run/docker.sock", "no such file")

    def test_is_the_state_of_everything(self) -> None:
        state = after(
            EngineDown(self.ERROR), start=running_engine(container(), container("old/app"))
        )
        view = shown(state)
        assert state.snapshot.state == view.state == "engine_down"
        assert (view.ready, view.total, view.reason) == (0, 1, None)
        assert (view.services[0].state, view.services[0].last_state) == ("absent", "running")
        assert [v.name for v in state.snapshot.modules] == ["web"], "an orphan is not known of"
        assert state.snapshot.engine.error is self.ERROR
        assert state.snapshot.engine.version is None
        assert state.snapshot.engine.cpus == UP.cpus, "what was measured is still of these"
        again = after(EngineDown(EngineDownError("here", "gone")), start=state)
        assert shown(again).services[0].last_state == "running", "it is still the last known one"

    def test_is_so_before_anything_is_known(self) -> None:
        state = after(ModulesChanged((model(),)), DesiredChanged(frozenset({"web"})))
        assert state.snapshot.state == shown(state).state == "engine_down"

    def test_ends_with_the_containers_known(self) -> None:
        state = after(EngineDown(self.ERROR), start=running_engine(container()))
        state = after(ContainersListed((container(),)), start=state)
        assert state.snapshot.state == "engine_down"
        state = after(UP, start=state)
        assert (state.snapshot.state, shown(state).services[0].last_state) == ("running", None)

    def test_container_that_the_engine_restarts_is_starting(self) -> None:
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
