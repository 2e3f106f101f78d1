"""A container that ended without us, and what was by our own hand."""

from dataclasses import replace
from typing import Any

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.model import Container
from aiserver_tray.state.facts import (
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    EngineDown,
    Fact,
    OperationChanged,
)
from aiserver_tray.state.views import OperationView
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

HEALTHY, AGAIN = container(health="healthy"), container(health="starting", started_at=at(9))
LOST = EngineDown(EngineDownError("h", "why"))
STOPS, WAITS = (operation("restart", (kind, "web/app", "running")) for kind in ("stop", "wait"))


def begun(view: OperationView) -> OperationChanged:
    return OperationChanged(view)


def over(view: OperationView) -> OperationChanged:
    """*view* once it has succeeded."""
    steps = tuple(replace(step, status="done") for step in view.steps)
    return OperationChanged(replace(view, steps=steps, status="succeeded"))


class TestUnplannedExit:
    """A container that ended without us, and is restarted, comes back until it is healthy again.
    It is an error when that has failed several times."""

    @pytest.mark.parametrize("back", [{"started_at": at(60)}, {"restart_count": 1}])
    def test_it_comes_back_while_it_recovers(self, back: dict[str, Any]) -> None:
        state = running_engine(HEALTHY)
        state = after(ContainerSeen(container(health="starting", **back)), start=state)
        view = shown(state)
        assert (view.state, str(view.word), view.trouble) == ("starting", "coming back", None)
        assert reason(state) == "app: exited unexpectedly and is not healthy again yet"
        found = state.snapshot
        assert (found.state, str(found.word), str(found.sentence)) == (
            "starting", "coming back", "web is coming back",
        )  # fmt: skip
        state = after(ContainerSeen(container(health="healthy", **back)), start=state)
        assert shown(state).state == "running"
        state = after(ContainerSeen(container(health="starting", **back)), start=state)
        assert (shown(state).state, shown(state).word) == ("starting", None), "it was healthy"

    @pytest.mark.parametrize("status", ["running", "restarting"])
    @pytest.mark.parametrize("before", [0, 7])
    def test_it_is_an_error_after_some_tries(self, status: str, before: int) -> None:
        state = running_engine(container(health="healthy", restart_count=before))
        states = []
        for number in range(1, 6):
            again = container(
                health="starting",
                status=status,
                exit_code=1,
                started_at=at(number),
                restart_count=before + number,
            )
            state = after(ContainerSeen(again), start=state)
            states.append(shown(state).state)
        assert states == ["starting"] * 3 + ["error"] * 2

    @pytest.mark.parametrize(
        "found",
        [
            container(status="restarting", exit_code=137, oom_killed=True),
            container(health="unhealthy", restart_count=1),
            ended(exit_code=1),
        ],
        ids=["memory", "unhealthy", "not restarted"],
    )
    def test_some_ends_are_an_error_at_once(self, found: Container) -> None:
        assert shown(after(ContainerSeen(found), start=running_engine(HEALTHY))).state == "error"

    @pytest.mark.parametrize(
        ("count", "word", "attempt"), [(0, None, None), (2, "coming back", "Try 2 of 3.")]
    )
    def test_the_engines_count_of_restarts_shows_it_at_first_sight(
        self, count: int, word: str | None, attempt: str | None
    ) -> None:
        view = shown(running_engine(container(health="starting", restart_count=count)))
        assert (view.state, view.word and str(view.word)) == ("starting", word)
        (service,) = view.services
        assert (service.attempt and str(service.attempt)) == attempt

    def test_the_count_of_its_tries_begins_anew_when_it_was_ready(self) -> None:
        state = running_engine(container(health="healthy", restart_count=5))
        again = container(status="restarting", restart_count=6)
        (service,) = shown(after(ContainerSeen(again), start=state)).services
        assert str(service.attempt) == "Try 1 of 3."

    @pytest.mark.parametrize(
        ("first", "facts", "word"),
        [
            (HEALTHY, [ContainerSeen(ended(exit_code=1)), ContainerSeen(AGAIN)], "coming back"),
            (replace(HEALTHY, restart_count=2),
             [LOST, ContainersListed((replace(AGAIN, restart_count=2),)), UP], "None"),
            (HEALTHY, [begun(STOPS), ContainerSeen(ended(exit_code=143)), begun(WAITS),
                       ContainerSeen(AGAIN), over(WAITS)], "None"),
            (HEALTHY, [begun(WAITS), ContainerSeen(AGAIN), over(WAITS)], "None"),
            (HEALTHY, [begun(operation("restart")), ContainerSeen(AGAIN),
                       over(operation("restart"))], "None"),
            (container(), [ContainerSeen(ended(exit_code=1)),
                           begun(operation("up", ("start", "web/app", "running"))),
                           ContainerSeen(AGAIN), over(operation("up"))], "None"),
            (container(), [ContainerSeen(ended(exit_code=1)),
                           ContainerSeen(container(id="new", health="starting"))], "None"),
            (None, [ContainerSeen(container(status="created", started_at=None)),
                    ContainerSeen(AGAIN)], "None"),
        ],
        ids=[
            "its exit was seen", "the engine was lost", "our restart", "only its end was seen",
            "of another process", "our start", "a new container", "the first start",
        ],
    )  # fmt: skip
    def test_it_is_one_unless_it_was_our_doing_or_a_new_beginning(
        self, first: Container | None, facts: list[Fact], word: str
    ) -> None:
        state = after(*facts, start=running_engine(*([first] if first else [])))
        assert (shown(state).state, str(shown(state).word)) == ("starting", word)

    def test_while_we_stop_it_it_is_starting_again(self) -> None:
        state = after(
            begun(STOPS), ContainerSeen(ended(exit_code=143)), start=running_engine(HEALTHY)
        )
        assert shown(state).state == "starting"

    def test_exit_of_an_unwanted_module_is_planned(self) -> None:
        """Another process was faster than we could see what it is at."""
        models = (model("web", requires=("db",)), model("db"), model("chat"))
        names = ("web/app", "db/app", "chat/app", "gone/app")
        state = running_engine(
            *map(container, names), models=models, desired=("web", "chat", "gone")
        )
        state = after(
            *(ContainerSeen(ended(name, exit_code=143)) for name in names),
            DesiredChanged(frozenset({"chat"})),
            DesiredChanged(frozenset({"web", "chat", "gone"})),
            *(ContainerSeen(container(n, health="starting", started_at=at(9))) for n in names),
            start=state,
        )
        states = {view.name: view.state for view in state.snapshot.modules}
        assert states == dict.fromkeys(("web", "db", "gone", "chat"), "starting")
        assert [m.name for m in state.snapshot.modules if m.word] == ["chat"]

    def test_a_container_started_by_hand_is_none(self) -> None:
        """Someone stopped it with us, and started it without."""
        state = running_engine(ended(exit_code=0), desired=())
        state = after(ContainerSeen(AGAIN), start=state)
        assert (shown(state).state, shown(state).word) == ("starting", None)


class TestRevival:
    """The owner brings the desired modules back by itself."""

    @pytest.mark.parametrize(
        "view",
        [
            operation("up", modules=()),
            operation("up"),
            operation("up", ("start", "web/app", "pending")),
        ],
        ids=["unnamed", "named", "planned"],
    )
    def test_what_it_starts_comes_back(self, view: OperationView) -> None:
        state = running_engine(ended(exit_code=255))
        state = after(OperationChanged(replace(view, is_revival=True)), start=state)
        assert (shown(state).state, str(shown(state).word)) == ("starting", "coming back")
        assert (state.snapshot.state, str(state.snapshot.word)) == ("starting", "coming back")

    def test_what_it_could_not_start_is_an_error_and_a_start_by_the_user_is_none(self) -> None:
        failed = replace(operation("up", status="failed"), is_revival=True)
        state = after(OperationChanged(failed), start=running_engine(ended(exit_code=255)))
        assert shown(state).state == "error"
        # A start by the user is none.
        state = after(OperationChanged(operation("up")), start=running_engine())
        assert (shown(state).state, shown(state).word) == ("starting", None)
