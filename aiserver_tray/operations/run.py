"""Runs a plan: what is ready goes first by its longest remaining path, a few at a time."""

import heapq
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from graphlib import TopologicalSorter
from queue import Empty, SimpleQueue
from threading import Event
from typing import Literal, Protocol

from aiserver_tray.errors import AiServerError, EngineDownError
from aiserver_tray.model import Container, StepKind, StepStatus, StepView
from aiserver_tray.operations.plan import Plan, Step
from aiserver_tray.operations.readiness import Verdict, Wait
from aiserver_tray.state.facts import ContainerGone, ContainerSeen
from aiserver_tray.state.store import Store
from aiserver_tray.target.model import ServiceTarget

Lane = Literal["engine", "images", "stops"]

_Entry = tuple[float, float, int, str]
"""A step in a lane's queue: its order, and its id last."""

_LANES: Mapping[StepKind, Lane] = {
    "pull": "images",
    "build": "images",
    "network": "engine",
    "volume": "engine",
    "create": "engine",
    "start": "engine",
    "stop": "stops",
    "remove": "engine",
    "remove_network": "engine",
    "remove_volume": "engine",
}

_IMAGES_AT_ONCE = 4
"""The engine bounds the layers that it loads at once itself (3 by default)."""

_STOPS_AT_ONCE = 32
"""A stop is mostly waiting for the container to end."""

_MOST_STARTS_AT_ONCE = 16


class Executor(Protocol):
    """Does the steps."""

    @property
    def cancelled(self) -> Event:
        """Set when the user wants no more of them."""

    def execute(self, step: Step) -> Container | None:
        """Do *step*; for a start, the container as it is then."""

    def explain(self, wait: Wait, verdict: Literal["failed", "gone", "late"]) -> AiServerError:
        """Why the service did not become ready."""


class Runner:
    """One run of one plan.

    ``report`` gets the views of all steps whenever some have changed, and the seconds left;
    ``ready_after`` gathers how long each service took from its start, by ``module/service``.
    """

    def __init__(
        self,
        plan: Plan,
        executor: Executor,
        store: Store,
        report: Callable[[tuple[StepView, ...], float], None],
        starts_at_once: int,
    ) -> None:
        self.errors: list[AiServerError] = []
        self.ready_after: dict[str, float] = {}
        self._plan = plan
        self._steps = {step.id: step for step in plan}
        self._order = {step.id: index for index, step in enumerate(plan)}
        self._reached: dict[str, float] = {}
        for step in plan:
            reached = plan.begun_by[step.id]
            self._reached[step.subject] = max(reached, self._reached.get(step.subject, 0.0))
        self._views = {step.id: step.view for step in plan}
        self._executor = executor
        self._store = store
        self._report_to = report
        self._sorter = TopologicalSorter(plan.graph)
        self._queues: dict[Lane, list[_Entry]] = {
            "engine": [],
            "images": [],
            "stops": [],
        }
        self._starts_at_once = max(1, min(starts_at_once, _MOST_STARTS_AT_ONCE))
        self._free: dict[Lane, int] = {
            "engine": self._starts_at_once,
            "images": _IMAGES_AT_ONCE,
            "stops": _STOPS_AT_ONCE,
        }
        self._pool = ThreadPoolExecutor(sum(self._free.values()) + 1, "step")
        self._running: dict[str, float] = {}
        self._waits: dict[str, Wait] = {}
        self._started: dict[str, Container] = {}
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._is_changed = True

    # -- called from other threads -------------------------------------------------------------

    def wake(self) -> None:
        """Look at what changed: the state, or the flag to cancel."""
        self._inbox.put(None)

    def progress(self, step: Step, current: int, total: int, rate: float) -> None:
        """How far the pull *step* is, in bytes and bytes per second."""
        self._inbox.put(lambda: self._show(step.id, current=current, total=total, rate=rate))

    def _execute(self, step: Step) -> Container | None:
        """In a thread of the pool. When it returns, the store knows what the step changed: the
        watcher sees it too, but only after the operation may have ended."""
        container = self._executor.execute(step)
        if container is not None:
            self._store.put(ContainerSeen(container))
            self._store.flush()
        elif step.kind == "remove" and step.container:
            self._store.put(ContainerGone(step.container.id))
        return container

    # -- the operation's thread ----------------------------------------------------------------

    def run(self) -> None:
        """Run to the end: all done, nothing left that could be done, or cancelled."""
        self._sorter.prepare()
        unsubscribe = self._store.observe(lambda _state: self.wake())
        try:
            while True:
                self._judge_waits()
                self._dispatch()
                self._report()
                if not self._running and not self._waits:
                    break
                self._take_messages()
        finally:
            unsubscribe()
            self._pool.shutdown()
        for step_id, view in self._views.items():
            if view.status in ("pending", "running"):
                self._set(step_id, "skipped")
        self._report()

    def _take_messages(self) -> None:
        """Wait for one message, then take all that are there: they are judged together."""
        try:
            message = self._inbox.get(timeout=self._seconds_to_deadline())
            while True:
                if message is not None:
                    message()
                message = self._inbox.get_nowait()
        except Empty:
            return

    def _seconds_to_deadline(self) -> float | None:
        if not self._waits:
            return None
        deadline = min(wait.deadline for wait in self._waits.values())
        return max(0.0, deadline - time.monotonic())

    def _dispatch(self) -> None:
        if self._is_stopping():
            self._waits.clear()
            return
        self._queue_ready()
        for lane, queue in self._queues.items():
            while queue and (self._free[lane] > 0 or self._is_pressing(lane, queue[0])):
                self._begin(self._steps[heapq.heappop(queue)[-1]], lane)

    def _is_pressing(self, lane: Lane, first: _Entry) -> bool:
        """Whether the *first* of the queue holds up everything: no step that is under way or
        waited for has a longer path before it. It then goes without waiting for a slot, once."""
        under_way = (*self._running, *self._waits)
        return (
            lane == "engine"
            and self._free[lane] == 0
            and all(self._plan.remaining[step_id] < -first[0] for step_id in under_way)
        )

    def _begin(self, step: Step, lane: Lane) -> None:
        self._free[lane] -= 1
        self._running[step.id] = time.monotonic()
        self._set(step.id, "running")
        future = self._pool.submit(self._execute, step)
        future.add_done_callback(self._done(step, lane))

    def _is_stopping(self) -> bool:
        """Cancelled, or without an engine: nothing more can be done."""
        return self._executor.cancelled.is_set() or any(
            isinstance(error, EngineDownError) for error in self.errors
        )

    def _queue_ready(self) -> None:
        while ready := self._sorter.get_ready():
            for step_id in ready:
                step = self._steps[step_id]
                if any(self._views[need].status != "done" for need in step.needs):
                    self._set(step_id, "skipped")
                    self._sorter.done(step_id)
                elif step.kind == "wait":
                    self._begin_wait(step)
                else:
                    heapq.heappush(self._queues[_LANES[step.kind]], self._entry(step))

    def _entry(self, step: Step) -> "_Entry":
        """What comes first: the longest remaining path; of equals, the one that was longest to be
        reached, since what was before it would else have been hurried in vain."""
        by_path = (-self._plan.remaining[step.id], -self._reached[step.subject])
        return (*by_path, self._order[step.id], step.id)

    def _done(self, step: Step, lane: Lane) -> Callable[[Future[Container | None]], None]:
        def settle(future: Future[Container | None]) -> None:
            self._free[lane] += 1
            del self._running[step.id]
            error = future.exception()
            if error is None:
                self._succeed(step, future.result())
            elif isinstance(error, AiServerError):
                self._fail(step.id, error)
            else:
                raise error

        return lambda future: self._inbox.put(lambda: settle(future))

    def _succeed(self, step: Step, container: Container | None) -> None:
        if container is not None:
            self._started[step.subject] = container
        self._set(step.id, "done")
        self._sorter.done(step.id)

    def _fail(self, step_id: str, error: AiServerError) -> None:
        self.errors.append(error)
        self._set(step_id, "failed")
        self._sorter.done(step_id)

    # -- waiting for services ------------------------------------------------------------------

    def _begin_wait(self, step: Step) -> None:
        container = self._started.get(step.subject) or step.container
        if not isinstance(step.target, ServiceTarget) or container is None:
            raise TypeError(step.id)
        now = time.monotonic()
        self._set(step.id, "running")
        wait = Wait(step.target, container, now, now + step.target.ready_within)
        self._waits[step.id] = wait
        self._settle(step.id, wait, wait.judge(container))
        # What the store heard before this wait was there woke nobody for it.
        self.wake()

    def _judge_waits(self) -> None:
        if not self._waits:
            return
        state = self._store.state
        if not state.engine.running and state.engine.error:
            self._fail(next(iter(self._waits)), state.engine.error)
            return
        for step_id, wait in list(self._waits.items()):
            self._settle(step_id, wait, wait.look(state.containers))

    def _settle(self, step_id: str, wait: Wait, verdict: Verdict) -> None:
        now = time.monotonic()
        if verdict == "ready":
            del self._waits[step_id]
            self.ready_after[wait.target.address] = now - wait.begun
            self._set(step_id, "done")
            self._sorter.done(step_id)
        elif verdict in ("failed", "gone"):
            self._give_up(step_id, wait, verdict)
        elif now >= wait.deadline:
            self._give_up(step_id, wait, "late")

    def _give_up(
        self, step_id: str, wait: Wait, verdict: Literal["failed", "gone", "late"]
    ) -> None:
        del self._waits[step_id]
        self._running[step_id] = time.monotonic()

        def settle(future: Future[AiServerError]) -> None:
            del self._running[step_id]
            self._fail(step_id, future.result())

        future = self._pool.submit(self._executor.explain, wait, verdict)
        future.add_done_callback(lambda done: self._inbox.put(lambda: settle(done)))

    # -- telling -------------------------------------------------------------------------------

    def _set(self, step_id: str, status: StepStatus) -> None:
        self._views[step_id] = replace(self._views[step_id], status=status)
        self._is_changed = True

    def _show(self, step_id: str, *, current: int, total: int, rate: float) -> None:
        view = self._views[step_id]
        self._views[step_id] = replace(view, current=current, total=total, rate=rate)
        self._is_changed = True

    def _report(self) -> None:
        if self._is_changed:
            self._is_changed = False
            self._report_to(tuple(self._views.values()), self._seconds_left())

    def _seconds_left(self) -> float:
        """The longest path of what has not ended, or all starts one after another where that
        takes longer."""
        now = time.monotonic()
        path = work = 0.0
        for step_id, view in self._views.items():
            if view.status not in ("pending", "running"):
                continue
            begun = self._running.get(step_id)
            if step_id in self._waits:
                begun = self._waits[step_id].begun
            elapsed = now - begun if begun else 0.0
            path = max(path, self._plan.remaining[step_id] - elapsed)
            if _LANES.get(view.kind) == "engine":
                work += self._steps[step_id].seconds
        return max(0.0, path, work / self._starts_at_once)
