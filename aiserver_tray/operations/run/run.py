"""Running a plan: start steps, wait for services, collect errors."""

import heapq
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from graphlib import TopologicalSorter
from queue import Empty, SimpleQueue
from threading import Event
from typing import Literal, Protocol

from aiserver_tray.base.errors import AiServerError, EngineDownError
from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.engine.values import PullProgress
from aiserver_tray.model import Container
from aiserver_tray.operations.plan.plan import Lane, Plan, Step, lane_of
from aiserver_tray.operations.run.downloads import AT_ONCE
from aiserver_tray.operations.run.progress import REPORT_SECONDS, Progress, Report
from aiserver_tray.operations.run.readiness import Verdict, Wait
from aiserver_tray.spec.model import ServiceTarget
from aiserver_tray.state.facts import ContainerGone, ContainerSeen
from aiserver_tray.state.store import Store
from aiserver_tray.system.clock import awake

_Entry = tuple[float, float, int, Step]
"""A step in a lane's queue, after its sort keys."""

_MAX_STOPS = 32
"""A stop mostly waits for the container to exit."""
_MAX_STARTS = 16
"""An upper limit even on engines with many processors: the started services need some too."""
_CRITICAL_FACTOR = 3
"""Factor for starts on the longest path: much of a start is waiting."""
_SAME_LENGTH_SHARE = 0.8
"""Part of a path from which on another is as long: times are only expected."""


class Lanes:
    """The steps of *plan* that are ready, each in the lane that bounds it. *processors* are the
    engine's."""

    def __init__(self, plan: Plan, processors: int) -> None:
        self.at_once = max(1, min(processors, _MAX_STARTS))
        self._plan = plan
        self._order = {step.id: index for index, step in enumerate(plan)}
        self._reached: dict[str, float] = {}
        for step in plan:
            reached = plan.begun_by[step.id]
            self._reached[step.subject] = max(reached, self._reached.get(step.subject, 0.0))
        self._queues: dict[Lane, list[_Entry]] = {"engine": [], "images": [], "stops": []}
        self._free: dict[Lane, int] = {
            "engine": self.at_once,
            "images": AT_ONCE,
            "stops": _MAX_STOPS,
        }

    @property
    def most(self) -> int:
        """Maximum number of steps at the same time."""
        return self.at_once * _CRITICAL_FACTOR + AT_ONCE + _MAX_STOPS

    def put(self, step: Step) -> None:
        """Queue *step*, which is ready. The step with the longest remaining path comes first. Of
        equal ones, the step that took longest to reach comes first, or the hurry before it would be
        wasted."""
        by_path = (-self._plan.remaining[step.id], -self._reached[step.subject])
        heapq.heappush(self._queues[lane_of(step.kind)], (*by_path, self._order[step.id], step))

    def take(self, under_way: Collection[str]) -> Step | None:
        """The next step to begin; None while there is none, or no slot for it. *under_way*: the
        ids of steps that run or are waited for."""
        for lane, queue in self._queues.items():
            if queue and (self._free[lane] > 0 or self._is_pressing(lane, under_way)):
                self._free[lane] -= 1
                return heapq.heappop(queue)[-1]
        return None

    def release(self, step: Step) -> None:
        """Free the slot of *step*, which has finished."""
        self._free[lane_of(step.kind)] += 1

    def _is_pressing(self, lane: Lane, under_way: Collection[str]) -> bool:
        """Whether the first of the queue may start beyond the slots: no step *under_way* has a
        longer path that this would delay."""
        if lane != "engine" or self._free[lane] <= self.at_once * (1 - _CRITICAL_FACTOR):
            return False
        path = -self._queues[lane][0][0]
        remaining = self._plan.remaining
        return all(remaining[step_id] * _SAME_LENGTH_SHARE <= path for step_id in under_way)


class Executor(Protocol):
    """Does the steps."""

    @property
    def cancelled(self) -> Event:
        """Set when the user wants no more of them."""

    def execute(self, step: Step) -> Container | None:
        """Run *step*. After a start or stop, returns the container in its new state."""

    def explain(self, wait: Wait, verdict: Literal["failed", "gone", "late"]) -> AiServerError:
        """Why the service did not become ready."""


class Runner:
    """One run of one plan.

    ``report`` receives the progress; *processors* are those of the engine. ``errors`` collects
    failures. ``ready_after`` has the seconds until ready for each started service, by
    ``module/service``.
    """

    def __init__(
        self,
        plan: Plan,
        executor: Executor,
        store: Store,
        report: Callable[[Report], None],
        processors: int,
    ) -> None:
        self.errors: list[AiServerError] = []
        self.ready_after: dict[str, float] = {}
        self._steps = {step.id: step for step in plan}
        self._executor = executor
        self._store = store
        self._sorter = TopologicalSorter(plan.graph)
        self._lanes = Lanes(plan, processors)
        self._progress = Progress(plan, report, self._lanes.at_once)
        self._pool = ThreadPoolExecutor(self._lanes.most, "step")
        self._begun: dict[str, float] = {}
        self._waits: dict[str, Wait] = {}
        self._started: dict[str, Container] = {}
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    # -- called from other threads -------------------------------------------------------------

    def wake(self) -> None:
        """Notify the runner of a change: a new state, or a request to cancel."""
        self._inbox.put(None)

    def show(self, step: Step, pull: PullProgress) -> None:
        """Report the progress of the pull *step*."""
        self._inbox.put(lambda: self._progress.show(step.id, pull))

    def resize(self, step_id: str, size: ImageSize | None) -> None:
        """Report the size of the image that a pull gets; None: its registry did not say."""
        self._inbox.put(lambda: self._progress.resize(step_id, size))

    def _execute(self, step: Step) -> Container | None:
        """Run a step in a thread of the pool. When it returns, the store has the step's changes:
        the watcher would add them only later, perhaps after the operation's end."""
        container = self._executor.execute(step)
        if container is not None:
            self._store.put(ContainerSeen(container))
            self._store.flush()
        elif step.kind == "remove" and step.container:
            self._store.put(ContainerGone(step.container.id))
        return container

    # -- the operation's thread ----------------------------------------------------------------

    def run(self) -> None:
        """Run until all steps are done, no more step can run, or it is cancelled."""
        self._sorter.prepare()
        unsubscribe = self._store.observe(lambda _state: self.wake())
        try:
            while True:
                self._check_waits()
                self._start_ready_steps()
                self._progress.report(self._begun)
                if not self._begun:
                    break
                self._take_messages()
        finally:
            unsubscribe()
            self._pool.shutdown()
        self._progress.skip_rest()
        self._progress.report({})

    def _take_messages(self) -> None:
        """Wait for one message, then take all that are there: they are judged together."""
        try:
            message = self._inbox.get(timeout=self._seconds_until_check())
            while True:
                if message is not None:
                    message()
                message = self._inbox.get_nowait()
        except Empty:
            return

    def _seconds_until_check(self) -> float:
        if not self._waits:
            return REPORT_SECONDS
        now = awake()
        due = max(0.0, min(wait.next_check(now) for wait in self._waits.values()) - now)
        return min(due, REPORT_SECONDS)

    def _start_ready_steps(self) -> None:
        if self._is_stopping():
            for step_id in self._waits:
                del self._begun[step_id]
            self._waits.clear()
            return
        while ready := self._sorter.get_ready():
            for step_id in ready:
                self._admit(self._steps[step_id])
        while step := self._lanes.take(self._begun):
            self._begin(step.id)
            self._pool.submit(self._execute, step).add_done_callback(self._settles(step))

    def _is_stopping(self) -> bool:
        """Cancelled, or without an engine: nothing more can be done."""
        return self._executor.cancelled.is_set() or any(
            isinstance(error, EngineDownError) for error in self.errors
        )

    def _admit(self, step: Step) -> None:
        """Queue *step*: all steps that must precede it have finished."""
        if any(self._progress.status(need) != "done" for need in step.needs):
            self._progress.set(step.id, "skipped")
            self._sorter.done(step.id)
        elif step.kind == "wait":
            self._begin_wait(step)
        else:
            self._lanes.put(step)

    def _begin(self, step_id: str) -> None:
        self._begun[step_id] = awake()
        self._progress.set(step_id, "running")

    def _settles(self, step: Step) -> Callable[[Future[Container | None]], None]:
        def settle(future: Future[Container | None]) -> None:
            self._lanes.release(step)
            error = future.exception()
            if isinstance(error, AiServerError):
                error.about(step.module)
                self._fail(step.id, error)
                return
            if container := future.result():
                self._started[step.subject] = container
            self._succeed(step.id)

        return lambda future: self._inbox.put(lambda: settle(future))

    def _succeed(self, step_id: str) -> None:
        del self._begun[step_id]
        self._progress.set(step_id, "done")
        self._sorter.done(step_id)

    def _fail(self, step_id: str, error: AiServerError) -> None:
        del self._begun[step_id]
        self.errors.append(error)
        self._progress.set(step_id, "failed")
        self._sorter.done(step_id)

    # -- waiting for services ------------------------------------------------------------------

    def _begin_wait(self, step: Step) -> None:
        container = self._started.get(step.subject) or step.container
        if not isinstance(step.target, ServiceTarget) or container is None:
            raise TypeError(step.id)
        self._begin(step.id)
        begun = self._begun[step.id]
        is_fresh = step.container is None or step.container.started_at != container.started_at
        # A new one may have ended, and been restarted by the engine, before it was looked at.
        known = container if step.container else replace(container, restart_count=0)
        wait = Wait(step.target, known, begun, begun + step.target.ready_within, is_fresh)
        self._waits[step.id] = wait
        self._judge(step.id, wait, wait.judge(container, begun))
        # The store may have received this state before the wait existed.
        self.wake()

    def _check_waits(self) -> None:
        if not self._waits:
            return
        state = self._store.state
        if not state.engine.running and state.engine.error:
            step_id, _ = self._waits.popitem()
            self._fail(step_id, state.engine.error)
            return
        now = awake()
        for step_id, wait in list(self._waits.items()):
            self._judge(step_id, wait, wait.check(state.containers, now))

    def _judge(self, step_id: str, wait: Wait, verdict: Verdict) -> None:
        now = awake()
        if verdict == "ready":
            del self._waits[step_id]
            if wait.is_fresh:
                self.ready_after[wait.target.address] = now - wait.begun
            self._succeed(step_id)
        elif verdict in ("failed", "gone"):
            self._give_up(step_id, wait, verdict)
        elif now >= wait.deadline:
            self._give_up(step_id, wait, "late")

    def _give_up(
        self, step_id: str, wait: Wait, verdict: Literal["failed", "gone", "late"]
    ) -> None:
        """Find out the reason in another thread, and fail the step."""
        del self._waits[step_id]
        asked = self._pool.submit(self._executor.explain, wait, verdict)
        asked.add_done_callback(
            lambda done: self._inbox.put(lambda: self._fail(step_id, done.result()))
        )
