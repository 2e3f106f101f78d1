"""A container that ended without us, and what was by our own hand."""

from typing import Any

import pytest

from aiserver_tray.state.facts import (
    ContainerSeen,
    DesiredChanged,
    OperationChanged,
)
from aiserver_tray.state.views import OperationView
from tests.support.made import (
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
        assert reason(state) == "app: exited unexpectedly and is not healthy again yet"
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

    def test_the_engines_count_of_restarts_shows_it_at_first_sight(self) -> None:
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
        assert states == dict.fromkeys(("web", "db", "gone"), "starting") | {"chat": "error"}

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
