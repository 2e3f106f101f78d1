"""Whatever is seen, in whatever order, gives a valid state, and the same state again."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.model import Container, ModuleModel, OperationKind, OperationStatus, Port
from aiserver_tray.model import State as StateName
from aiserver_tray.state.facts import (
    ChosenChanged,
    ContainerGone,
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    EngineDown,
    EngineStarting,
    Fact,
    ModulesChanged,
    OperationChanged,
    PortsForwarded,
    TextsChanged,
    ThemeChanged,
)
from aiserver_tray.state.reduce import State, reduce
from aiserver_tray.state.views import ModuleView, OperationView
from tests.support.made import (
    UP,
    after,
    at,
    container,
    ended,
    model,
    operation,
    running_engine,
    shown,
)

ADDRESSES = ("db/db", "db/job", "web/app", "web/worker", "old/app")
MODELS = (
    model("db", "db", jobs=("job",), kind="basic"),
    model("web", "app", "worker", requires=("db",)),
)


def one_of(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from(values)


containers: st.SearchStrategy[Container] = st.builds(
    container,
    address=st.sampled_from(ADDRESSES),
    id=st.sampled_from(["1", "2", "3"]),
    status=one_of("created", "running", "paused", "restarting", "removing", "exited", "dead"),
    health=one_of("none", "starting", "healthy", "unhealthy"),
    exit_code=one_of(0, 1, 137),
    oom_killed=st.booleans(),
    error=one_of("", "no such file"),
    started_at=one_of(None, at(0), at(1)),
    restart_count=one_of(0, 1, 2),
    asked_at=one_of(0.0, 1.0, 2.0),
)
"""Also one with the same id and another name: renamed."""

steps = st.tuples(
    st.sampled_from(["pull", "create", "start", "wait", "stop", "remove", "remove_network"]),
    st.sampled_from(ADDRESSES),
    st.sampled_from(["pending", "running", "done", "skipped", "failed"]),
)
operations: st.SearchStrategy[OperationView] = st.builds(
    lambda kind, steps, id, status, modules: operation(
        kind, *steps, id=id, status=status, modules=modules
    ),
    kind=one_of("up", "stop", "down", "restart", "pull", "build"),
    steps=st.lists(steps, max_size=4),
    id=one_of("1", "2"),
    status=one_of("waiting", "running", "succeeded", "failed", "cancelled"),
    modules=one_of(("web",), ("db",), ("db", "web"), ("old",)),
)
facts: st.SearchStrategy[list[Fact]] = st.lists(
    st.one_of(
        st.just(UP),
        st.builds(lambda why: EngineDown(EngineDownError("here", why)), one_of("a", "b")),
        st.builds(EngineStarting, one_of(None, datetime(2026, 1, 1, tzinfo=UTC))),
        st.builds(
            lambda found, asked_at: ContainersListed(tuple(found), asked_at),
            st.lists(containers, max_size=4, unique_by=(lambda c: c.name, lambda c: c.id)),
            one_of(0.0, 1.0, 2.0),
        ),
        st.builds(ContainerSeen, containers),
        st.builds(ContainerGone, st.sampled_from(["1", "2", "3"])),
        st.builds(ModulesChanged, st.sampled_from([(), MODELS[:1], MODELS])),
        st.builds(ChosenChanged, st.just(("web",))),
        st.builds(ThemeChanged, st.sampled_from(["light", "dark"])),
        st.builds(TextsChanged),
        st.builds(DesiredChanged, st.frozensets(st.sampled_from(["db", "web", "old", "unknown"]))),
        st.builds(OperationChanged, operations),
    ),
    max_size=25,
)


@given(facts)
def test_any_order_of_facts_gives_a_valid_state(sequence: list[Fact]) -> None:
    state = State()
    for fact in sequence:
        before, state = state, reduce(state, fact)
        assert state is before or state.seq == before.seq + 1
        check_state(state)
        check_snapshot(state)


def test_all_look_again_when_texts_have_changed_and_find_nothing_else_new() -> None:
    state = running_engine()
    again = reduce(state, TextsChanged())
    assert replace(again, seq=state.seq) == state
    assert again.seq == state.seq + 1


def check_state(state: State) -> None:
    assert all(name == found.name for name, found in state.containers.items())
    assert len({found.id for found in state.containers.values()}) == len(state.containers)
    assert state.unplanned <= state.containers.keys()
    assert not state.unplanned & state.work.containers
    assert not any(state.containers[name].is_ready for name in state.unplanned)
    assert len({o.id for o in state.operations}) == len(state.operations)
    assert sum(o.is_over and o.status != "failed" for o in state.operations) <= 1
    assert state.engine.running or state.engine.version is None


def check_snapshot(state: State) -> None:
    snapshot = state.snapshot
    names = [view.name for view in snapshot.modules]
    assert len(set(names)) == len(names)
    known = [found.name for found in state.modules]
    assert names[: len(known)] == known
    shown = {service.container for view in snapshot.modules for service in view.services}
    assert shown >= state.containers.keys(), "every container is shown"
    if not state.engine.running:
        assert {snapshot.state, *(view.state for view in snapshot.modules)} == {"engine_down"}
        return
    awaited = {view.name for view in snapshot.modules if view.state == "starting"}
    assert snapshot.state == worst(
        [
            # What waits for modules that start is no failure yet.
            "starting" if view.needs and awaited.issuperset(view.needs) else view.state
            for view in snapshot.modules
        ]
    )
    for view in snapshot.modules:
        check_module(view)


def worst(states: list[StateName]) -> StateName:
    order: tuple[StateName, ...] = ("error", "degraded", "stopping", "starting", "running")
    return next((state for state in order if state in states), "stopped")


def check_module(view: ModuleView) -> None:
    assert 0 <= view.ready <= view.total <= len(view.services)
    if view.state in ("error", "degraded"):
        assert view.reason, "red without a reason"
    if view.state == "running" and view.wanted:
        assert view.ready == view.total
    if view.state == "stopped":
        assert view.reason is None
        assert not any(s.state in ("running", "paused", "restarting") for s in view.services)


@given(facts)
def test_the_same_facts_give_the_same_state(sequence: list[Fact]) -> None:
    once, again = after(*sequence), after(*sequence)
    assert once == again
    assert once.snapshot == again.snapshot


@given(facts)
def test_snapshot_does_not_depend_on_earlier_snapshots(sequence: list[Fact]) -> None:
    state = State()
    for fact in sequence:
        state = reduce(state, fact)
        assert state.snapshot == replace(state, views={}).snapshot


def test_view_of_an_unchanged_module_is_the_same_object() -> None:
    models = ModulesChanged((model("web", "app"), model("db", "db", kind="basic")))
    listed = ContainersListed((container("web/app"), container("db/db")))
    before = after(UP, models, listed, DesiredChanged(frozenset({"web"})))

    now = reduce(before, ContainerSeen(container("web/app", health="unhealthy")))

    web, db = now.snapshot.modules
    assert (web.state, db) == ("error", before.snapshot.modules[1])
    assert db is before.snapshot.modules[1]
    assert web is not before.snapshot.modules[0]


@given(facts, facts)
def test_full_listing_corrects_missed_events(missed: list[Fact], seen: list[Fact]) -> None:
    true = (container("web/app", health="healthy"), ended("old/app", 1))
    end: list[Fact] = [ContainersListed(true), ModulesChanged(MODELS), UP]
    one, other = after(*missed, *end), after(*seen, *end)
    assert one.containers == other.containers


@given(facts)
def test_a_fact_that_brings_nothing_new_leaves_the_very_state(sequence: list[Fact]) -> None:
    state = after(*sequence)
    for found in state.containers.values():
        assert after(ContainerSeen(replace(found)), start=state) is state
    for known in state.operations:
        assert after(OperationChanged(replace(known)), start=state) is state
    assert after(ContainerGone("unknown"), start=state) is state
    assert after(ModulesChanged(state.modules), start=state) is state
    assert after(DesiredChanged(state.desired), start=state) is state
    assert after(ChosenChanged(state.chosen), start=state) is state


def test_a_renamed_container_is_known_by_its_new_name_alone() -> None:
    state = running_engine(container(id="1"))
    state = after(ContainerSeen(container("web/app2", id="1")), start=state)
    assert set(state.containers) == {"ai-web-app2"}


def test_the_end_of_an_old_container_leaves_the_new_one_of_its_name() -> None:
    state = running_engine(container(id="old"))
    state = after(ContainerSeen(container(id="new")), ContainerGone("old"), start=state)
    assert state.containers["ai-web-app"].id == "new"


def test_an_answer_that_was_asked_for_earlier_changes_nothing_though_it_comes_later() -> None:
    newer = container(health="healthy", asked_at=2.0)
    state = running_engine(newer)
    older = container(health="starting", asked_at=1.0)
    assert after(ContainerSeen(older), ContainersListed((older,)), start=state).containers == {
        newer.name: newer
    }


def test_another_container_of_the_name_counts_whenever_it_was_asked_for() -> None:
    state = running_engine(container(id="old", asked_at=2.0))
    new = container(id="new", asked_at=1.0)
    assert after(ContainerSeen(new), start=state).containers[new.name].id == "new"


class TestListOnItsWay:
    """The list was asked for at 2.0; what an operation makes meanwhile is newer."""

    def test_container_created_during_a_listing_stays(self) -> None:
        known = container(id="known", asked_at=1.0)
        made = container("web/x", id="made", asked_at=3.0)
        state = running_engine(known, made)
        assert after(ContainersListed((known,), 2.0), start=state) is state
        assert set(after(ContainersListed((known,), 4.0), start=state).containers) == {known.name}

    def test_container_recreated_during_a_listing_stays_the_new_one(self) -> None:
        old, new = container(id="old", asked_at=2.5), container(id="new", asked_at=3.0)
        state = after(ContainersListed((old,), 2.0), start=running_engine(new))
        assert state.containers[new.name].id == "new"

    def test_listed_container_replaces_an_older_one_of_its_name(self) -> None:
        old, new = container(id="old", asked_at=1.0), container(id="new", asked_at=2.5)
        state = after(ContainersListed((new,), 2.0), start=running_engine(old))
        assert state.containers[new.name].id == "new"

    @pytest.mark.parametrize(("asked_at", "name"), [(2.5, "ai-web-b"), (3.5, "ai-web-a")])
    def test_renamed_container_is_known_by_its_newer_name(self, asked_at: float, name: str) -> None:
        known = container("web/b", id="1", asked_at=3.0)
        listed = container("web/a", id="1", asked_at=asked_at)
        state = after(ContainersListed((listed,), 2.0), start=running_engine(known))
        assert set(state.containers) == {name}

    def test_containers_from_before_the_engine_was_lost_do_not_return(self) -> None:
        lost = EngineDown(EngineDownError("here", ""))
        late = ContainerSeen(container("web/x", asked_at=1.0))
        listed = container(asked_at=2.5)
        state = after(lost, late, ContainersListed((listed,), 2.0), UP, start=running_engine())
        assert set(state.containers) == {listed.name}


def test_a_lost_engine_elsewhere_reconnects_and_its_pages_are_where_they_are_forwarded() -> None:
    port = Port("0.0.0.0", 18100, 80)
    model = ModuleModel("web", "feature", open="http://localhost:18100")
    start = after(
        ModulesChanged((model,)),
        PortsForwarded({}),
        start=running_engine(container("web/web", ports=(port,))),
    )
    assert (shown(start).open, shown(start).ports) == (None, ())
    assert "forwarded" in str(shown(start).abilities["open"])
    forwarded = after(PortsForwarded({("0.0.0.0", 18100): 18101}), start=start)
    (view,) = shown(forwarded).ports
    assert (view.address, view.host, view.open) == ("127.0.0.1", 18101, shown(forwarded).open)
    assert shown(forwarded).open == "http://localhost:18101"
    lost = after(EngineDown(EngineDownError("here", "")), start=forwarded)
    assert (lost.snapshot.engine.reconnecting, str(lost.snapshot.word)) == (True, "reconnecting")
    assert not after(UP, start=lost).snapshot.engine.reconnecting


def test_module_that_another_process_stops_is_stopping() -> None:
    state = running_engine(container())
    state = after(OperationChanged(operation("stop", id="other")), start=state)
    assert shown(state).state == "stopping"
    state = after(ContainerSeen(ended(exit_code=137)), start=state)
    assert shown(state).state == "stopping"
    over = operation("stop", id="other", status="succeeded")
    state = after(DesiredChanged(frozenset()), OperationChanged(over), start=state)
    assert shown(state).state == "stopped"


class TestOperations:
    def test_those_that_run_stay_and_of_those_that_ended_the_last(self) -> None:
        seen: tuple[tuple[str, OperationStatus], ...] = (
            ("1", "succeeded"),
            ("2", "running"),
            ("3", "cancelled"),
            ("4", "running"),
        )
        state = after(*(OperationChanged(operation("up", id=i, status=s)) for i, s in seen))
        assert [(o.id, o.status) for o in state.snapshot.operations] == list(seen[1:])

    def test_the_last_that_ended_is_kept_whichever_began_first(self) -> None:
        begun = [OperationChanged(operation("up", id=id)) for id in ("1", "2")]
        ends = [OperationChanged(operation("up", id=id, status="succeeded")) for id in ("2", "1")]
        assert [o.id for o in after(*begun, *ends).operations] == ["1"]

    @pytest.mark.parametrize(
        ("kind", "modules", "is_kept"),
        [
            ("up", ("web",), True),
            ("pull", ("db", "web"), True),
            ("up", ("web", "db", "old"), False),
            ("stop", ("db", "web"), False),
        ],
    )
    def test_a_failure_stays_until_all_of_its_modules_are_worked_on(
        self, kind: OperationKind, modules: tuple[str, ...], *, is_kept: bool
    ) -> None:
        failed = operation("up", id="1", modules=("web", "db"), status="failed")
        later = operation(kind, id="2", modules=modules)
        state = after(OperationChanged(failed), OperationChanged(later))
        assert [o.id for o in state.operations] == (["1", "2"] if is_kept else ["2"])

    def test_a_failed_rehearsal_stays_until_the_next_one(self) -> None:
        failed = operation("rehearse", id="1", modules=("web",), status="failed")
        begun = OperationChanged(operation("up", id="2", modules=("web",)))
        again = OperationChanged(operation("rehearse", id="3", modules=("web",)))
        assert [o.id for o in after(OperationChanged(failed), begun).operations] == ["1", "2"]
        assert [o.id for o in after(OperationChanged(failed), again).operations] == ["3"]

    def test_one_keeps_its_place_while_it_goes_on(self) -> None:
        begun = [OperationChanged(operation("up", id=id)) for id in ("1", "2")]
        on = OperationChanged(operation("up", ("start", "web/app", "running"), id="1"))
        assert [o.id for o in after(*begun, on).operations] == ["1", "2"]


@pytest.mark.parametrize("gone", ["ContainerGone", "ContainersListed"])
def test_a_container_that_is_gone_is_gone(gone: str) -> None:
    fact = ContainersListed(()) if gone == "ContainersListed" else ContainerGone("id-of-web-app")
    state = after(fact, start=running_engine(container()))
    assert state.containers == {}
    assert shown(state).services[0].state == "absent"


def test_the_snapshot_is_made_once_and_only_when_asked_for() -> None:
    state = running_engine(container())
    assert "snapshot" not in vars(state)
    assert state.snapshot is state.snapshot
