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


APP = "ai-web-app"


@pytest.mark.parametrize(
    ("known", "facts", "expected"),
    [
        ([container(id="1")], [ContainerSeen(container("web/app2", id="1"))],
         {"ai-web-app2": "1"}),
        ([container(id="old")], [ContainerSeen(container(id="new")), ContainerGone("old")],
         {APP: "new"}),
        ([container(id="old", asked_at=2.0)], [ContainerSeen(container(id="new", asked_at=1.0))],
         {APP: "new"}),
        ([container(id="1")], [ContainerGone("1")], {}),
        ([container(id="1")], [ContainersListed(())], {}),
        # The list was asked for at 2.0; what an operation makes meanwhile is newer.
        ([container(id="new", asked_at=3.0)],
         [ContainersListed((container(id="old", asked_at=2.5),), 2.0)], {APP: "new"}),
        ([container(id="old", asked_at=1.0)],
         [ContainersListed((container(id="new", asked_at=2.5),), 2.0)], {APP: "new"}),
        ([container("web/b", id="1", asked_at=3.0)],
         [ContainersListed((container("web/a", id="1", asked_at=2.5),), 2.0)], {"ai-web-b": "1"}),
        ([container("web/b", id="1", asked_at=3.0)],
         [ContainersListed((container("web/a", id="1", asked_at=3.5),), 2.0)], {"ai-web-a": "1"}),
        ([container("web/y", id="before")],
         [EngineDown(EngineDownError("here", "")), ContainerSeen(container("web/x", asked_at=1.0)),
          ContainersListed((container(id="1", asked_at=2.5),), 2.0), UP], {APP: "1"}),
    ],
    ids=[
        "renamed", "the end of an old one of the name", "another of the name counts whenever",
        "gone", "not listed", "recreated during a list", "listed as a newer one",
        "renamed before the list", "renamed after it", "from before the engine was lost",
    ],
)  # fmt: skip
def test_containers_are_known_by_the_newest_answer(
    known: list[Container], facts: list[Fact], expected: dict[str, str]
) -> None:
    state = after(*facts, start=running_engine(*known))
    assert {name: found.id for name, found in state.containers.items()} == expected
    if not expected:
        assert shown(state).services[0].state == "absent"


def test_an_answer_that_was_asked_for_earlier_changes_nothing_though_it_comes_later() -> None:
    newer = container(health="healthy", asked_at=2.0)
    older = container(health="starting", asked_at=1.0)
    state = after(ContainerSeen(older), ContainersListed((older,)), start=running_engine(newer))
    assert state.containers == {newer.name: newer}
    made = running_engine(older, container("web/x", id="made", asked_at=3.0))
    assert after(ContainersListed((older,), 2.0), start=made) is made
    assert set(after(ContainersListed((older,), 4.0), start=made).containers) == {older.name}


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


Ended = tuple[str, OperationStatus]


def operations_after(*views: OperationView) -> list[Ended]:
    state = after(*map(OperationChanged, views))
    assert state.snapshot.operations == state.operations
    return [(view.id, view.status) for view in state.operations]


def test_operations_that_run_stay_and_of_those_that_ended_the_last() -> None:
    seen: tuple[Ended, ...] = (
        ("1", "succeeded"),
        ("2", "running"),
        ("3", "cancelled"),
        ("4", "running"),
    )
    assert operations_after(*(operation("up", id=i, status=s) for i, s in seen)) == [*seen[1:]]
    begun = [operation("up", id=id) for id in ("1", "2")]
    ends = [operation("up", id=id, status="succeeded") for id in ("2", "1")]
    assert operations_after(*begun, *ends) == [("1", "succeeded")], "whichever began first"
    on = operation("up", ("start", "web/app", "running"), id="1")
    assert operations_after(*begun, on) == [("1", "running"), ("2", "running")]


@pytest.mark.parametrize(
    ("kind", "later", "modules", "is_kept"),
    [
        ("up", "up", ("web",), True),
        ("up", "pull", ("db", "web"), True),
        ("up", "up", ("web", "db", "old"), False),
        ("up", "stop", ("db", "web"), False),
        ("rehearse", "up", ("web", "db"), True),
        ("rehearse", "rehearse", ("web", "db"), False),
    ],
)
def test_a_failure_stays_until_all_of_its_modules_are_worked_on_or_rehearsed_again(
    kind: OperationKind, later: OperationKind, modules: tuple[str, ...], *, is_kept: bool
) -> None:
    failed = operation(kind, id="1", modules=("web", "db"), status="failed")
    found = operations_after(failed, operation(later, id="2", modules=modules))
    assert [id for id, _ in found] == (["1", "2"] if is_kept else ["2"])


def test_the_snapshot_is_made_once_and_only_when_asked_for() -> None:
    state = running_engine(container())
    assert "snapshot" not in vars(state)
    assert state.snapshot is state.snapshot
    # The view of an unchanged module is the same object.
    models = ModulesChanged((model("web", "app"), model("db", "db", kind="basic")))
    listed = ContainersListed((container("web/app"), container("db/db")))
    before = after(UP, models, listed, DesiredChanged(frozenset({"web"})))

    now = reduce(before, ContainerSeen(container("web/app", health="unhealthy")))

    web, db = now.snapshot.modules
    assert (web.state, db) == ("error", before.snapshot.modules[1])
    assert db is before.snapshot.modules[1]
    assert web is not before.snapshot.modules[0]
    # After a change of texts, all views render again, and nothing else is new.
    state = running_engine()
    again = reduce(state, TextsChanged())
    assert replace(again, seq=state.seq) == state
    assert again.seq == state.seq + 1
