"""The runner's order, bounds and ends. The executor is scripted, since an engine can't be told when
a step is to end; the store is the real one."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Literal

import pytest

from aiserver_tray.base.errors import AiServerError, EngineDownError, ExitedError
from aiserver_tray.model import Container
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan, Step
from aiserver_tray.operations.plan.up import plan_up
from aiserver_tray.operations.run.progress import Progress, Report
from aiserver_tray.operations.run.readiness import Wait
from aiserver_tray.operations.run.run import Runner
from aiserver_tray.spec.model import ServiceTarget
from aiserver_tray.state.facts import ContainerGone, ContainerSeen, EngineDown
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import StepView
from tests.support.limits import LIMIT
from tests.unit.operations.planning import running, targets_of


class Script:
    """Steps end when the test says so. ``begun`` gets each step that begins."""

    def __init__(self, *, held: tuple[str, ...] = ()) -> None:
        self.cancelled = Event()
        self.begun: SimpleQueue[str] = SimpleQueue()
        self.order: list[str] = []
        self.errors: dict[str, AiServerError] = {}
        self.unready: set[str] = set()
        self.restarts = 0
        self._held = {step_id: Event() for step_id in held}

    def release(self, step_id: str) -> None:
        self._held[step_id].set()

    def execute(self, step: Step) -> Container | None:
        self.order.append(step.id)
        self.begun.put(step.id)
        if step.id in self._held and not self._held[step.id].wait(LIMIT):
            raise TimeoutError(step.id)
        if step.id in self.errors:
            raise self.errors[step.id]
        if step.kind == "start" and isinstance(step.target, ServiceTarget):
            health = "starting" if step.subject in self.unready else "healthy"
            return running(step.target, health=health, restart_count=self.restarts)
        return None

    def explain(self, wait: Wait, verdict: Literal["failed", "gone", "late"]) -> AiServerError:
        return ExitedError(wait.target.address, 7 if verdict == "failed" else None, verdict, ())


class Run:
    """A runner in a thread of its own."""

    def __init__(self, plan: Plan, script: Script, store: Store, *, at_once: int = 2) -> None:
        self.views: tuple[StepView, ...] = ()
        self.seconds_left: list[float] = []
        self.runner = Runner(plan, script, store, self._report, at_once)
        self._thread = Thread(target=self.runner.run)
        self._thread.start()

    def _report(self, report: Report) -> None:
        self.views = report.steps
        if report.left is not None:
            self.seconds_left.append(report.left.seconds)

    def end(self) -> dict[str, str]:
        """Wait for its end; status by step."""
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()
        return {f"{view.kind} {view.subject}": view.status for view in self.views}


@pytest.fixture
def store() -> Iterator[Store]:
    with_thread = Store()
    yield with_thread
    with_thread.close()


def wait_for(store: Store, name: str) -> None:
    """Until the store holds what the runner saw after the start of the container *name*."""
    seen = Event()
    leave = store.observe(lambda state: seen.set() if name in state.containers else None)
    assert seen.wait(LIMIT)
    leave()


def plan_of(folder: Path, text: str) -> Plan:
    plan = plan_up(targets_of(folder, m=text), Observed(images={"busybox:1": "sha256:1"}))
    return Plan.of(step for step in plan if step.kind != "network")


CHAIN = """
    services:
      leaf1: {image: "busybox:1"}
      leaf2: {image: "busybox:1"}
      leaf3: {image: "busybox:1"}
      a: {image: "busybox:1"}
      b: {image: "busybox:1", depends_on: {a: {condition: service_healthy}}}
      c: {image: "busybox:1", depends_on: {b: {condition: service_healthy}}}
"""


class Begun:
    """A start of CHAIN whose container ``ai-m-a`` is not ready."""

    def __init__(self, folder: Path, store: Store, *unready: str, restarts: int = 0) -> None:
        self.script = Script()
        self.script.unready = {"ai-m-a", *unready}
        self.script.restarts = restarts
        plan = plan_of(folder, CHAIN)
        target = next(step.target for step in plan if step.id == "start ai-m-a")
        assert isinstance(target, ServiceTarget)
        self.target = target
        self.run = Run(plan, self.script, store)


def test_the_longest_path_goes_first_and_the_time_left_shrinks(
    tmp_path: Path, store: Store
) -> None:
    script = Script()
    run = Run(plan_of(tmp_path, CHAIN), script, store, at_once=1)
    assert set(run.end().values()) == {"done"}
    starts = [step for step in script.order if step.startswith("start")]
    assert starts[:2] == ["start ai-m-a", "start ai-m-b"]
    assert run.seconds_left[0] > run.seconds_left[-1] == 0


NINE = "    services:" + "".join(f"\n      s{n}: {{image: 'busybox:1'}}" for n in range(9))


@pytest.mark.parametrize(
    ("text", "names", "count"),
    [(CHAIN, "a b c leaf1 leaf2 leaf3", 2), (NINE, "s0 s1 s2 s3 s4 s5 s6 s7 s8", 6)],
    ids=["as many as the engine has processors", "more where they hold up no longer path"],
)
def test_only_some_steps_run_at_once(
    tmp_path: Path, store: Store, text: str, names: str, count: int
) -> None:
    held = tuple(f"create ai-m-{name}" for name in names.split())
    script = Script(held=held)
    run = Run(plan_of(tmp_path, text), script, store, at_once=2)
    first = {script.begun.get(timeout=LIMIT) for _ in range(count)}
    assert first < {*held}
    assert script.begun.empty()
    script.release(first.pop())
    script.begun.get(timeout=LIMIT)
    for step in held:
        script.release(step)
    assert set(run.end().values()) == {"done"}


def test_services_wait_for_those_that_they_need(tmp_path: Path, store: Store) -> None:
    at = Begun(tmp_path, store)
    begun: set[str] = set()
    while not {"start ai-m-leaf1", "start ai-m-leaf2", "start ai-m-leaf3"} <= begun:
        begun.add(at.script.begun.get(timeout=LIMIT))
    assert "start ai-m-b" not in at.script.order
    wait_for(store, "ai-m-a")
    store.put(ContainerSeen(running(at.target, health="healthy")))
    assert set(at.run.end().values()) == {"done"}
    assert at.run.runner.ready_after.keys() >= {"m/a", "m/b", "m/c"}


def test_only_from_a_start_it_is_learnt_how_long_a_service_takes(
    tmp_path: Path, store: Store
) -> None:
    plan = plan_of(tmp_path, CHAIN)
    early = next(step for step in plan if step.id == "wait ai-m-leaf1")
    assert isinstance(early.target, ServiceTarget)
    begun = replace(early, container=running(early.target), needs=frozenset())
    steps = [step for step in plan if step.subject != early.subject]
    run = Run(Plan.of([*steps, begun]), Script(), store)
    assert set(run.end().values()) == {"done"}
    assert run.runner.ready_after.keys() == {"m/leaf2", "m/leaf3", "m/a", "m/b", "m/c"}


def test_failed_step_skips_only_the_steps_that_need_it(tmp_path: Path, store: Store) -> None:
    script = Script()
    script.errors["start ai-m-b"] = ExitedError("m/b", 1, "", ())
    run = Run(run_plan := plan_of(tmp_path, CHAIN), script, store)
    end = run.end()
    assert len(end) == len(run_plan)
    assert end["start ai-m-b"] == "failed"
    assert end["wait ai-m-b"] == end["start ai-m-c"] == "skipped"
    assert end["wait ai-m-leaf3"] == end["wait ai-m-a"] == "done"
    assert all((view.began is None) == (view.seconds is None) for view in run.views)
    timed = {view.status for view in run.views if view.seconds is not None}
    assert timed == {"done", "failed"}
    assert {view.status for view in run.views if view.seconds is None} == {"skipped"}


def test_a_container_that_ends_or_is_removed_by_hand_fails_at_once(
    tmp_path: Path, store: Store
) -> None:
    at = Begun(tmp_path / "ends", store)
    wait_for(store, "ai-m-a")
    store.put(ContainerSeen(running(at.target, status="exited", exit_code=7)))
    assert at.run.end()["wait ai-m-a"] == "failed"
    (error,) = at.run.runner.errors
    assert error.data["exitCode"] == 7
    store.put(ContainerGone(store.state.containers["ai-m-a"].id))

    at = Begun(tmp_path / "is removed", store)
    wait_for(store, "ai-m-a")
    store.put(ContainerGone(store.state.containers["ai-m-a"].id))
    assert at.run.end()["wait ai-m-a"] == "failed"


def test_a_container_that_ended_before_it_was_looked_at_or_is_late_fails(
    tmp_path: Path, store: Store
) -> None:
    assert Begun(tmp_path, store, restarts=1).run.end()["wait ai-m-a"] == "failed"
    # So does one that is late, at its limit.
    text = """
        services:
          a: {image: "busybox:1", x-aiserver: {ready_within: 50ms}}
    """
    script = Script()
    script.unready = {"ai-m-a"}
    run = Run(plan_of(tmp_path, text), script, store)
    assert run.end()["wait ai-m-a"] == "failed"


def test_wait_ignores_the_state_from_before_the_start(tmp_path: Path, store: Store) -> None:
    at = Begun(tmp_path, store)
    now = running(at.target, health="starting")
    assert now.started_at is not None
    stale = replace(now, status="exited", started_at=now.started_at.replace(year=2020))
    wait_for(store, "ai-m-a")
    store.put(ContainerSeen(stale))
    store.put(ContainerSeen(replace(now, health="healthy")))
    assert at.run.end()["wait ai-m-a"] == "done"


def test_after_cancelling_no_step_begins(tmp_path: Path, store: Store) -> None:
    script = Script(held=("create ai-m-a", "create ai-m-b"))
    run = Run(plan_of(tmp_path, CHAIN), script, store)
    begun = {script.begun.get(timeout=LIMIT) for _ in range(2)}
    script.cancelled.set()
    run.runner.wake()
    for step in begun:
        script.release(step)
    end = run.end()
    assert {step for step, status in end.items() if status == "done"} == begun
    assert set(end.values()) == {"done", "skipped"}


def test_without_an_engine_nothing_more_begins(tmp_path: Path, store: Store) -> None:
    at = Begun(tmp_path, store, "ai-m-leaf1", "ai-m-leaf2", "ai-m-leaf3")
    while at.script.begun.get(timeout=LIMIT) != "start ai-m-a":
        pass
    store.put(EngineDown(EngineDownError("here", "gone")))
    at.run.end()
    assert [error.code for error in at.run.runner.errors] == ["E_ENGINE_DOWN"]
    assert "start ai-m-b" not in at.script.order


def test_a_step_that_takes_longer_than_expected_is_not_about_to_end(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, CHAIN)
    told: list[Report] = []
    progress = Progress(plan, told.append, at_once=2)
    for step in plan:
        progress.set(step.id, "done")
    progress.set("wait ai-m-c", "running")
    progress.report({"wait ai-m-c": time.monotonic() - 600})
    assert told[-1].left
    assert 100 < told[-1].left.seconds < 200
    assert told[-1].left.late
    assert told[-1].left.late.service == "c"
