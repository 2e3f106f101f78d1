"""Which of the steps that are ready begins next, and the progress of all."""

import heapq
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Literal

from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.values import PullProgress
from aiserver_tray.model import StepKind, StepStatus
from aiserver_tray.operations.plan.plan import Plan, Step
from aiserver_tray.state.views import StepView
from aiserver_tray.system.clock import awake

_Lane = Literal["engine", "images", "stops"]

_Entry = tuple[float, float, int, Step]
"""A step in a lane's queue, after its sort keys."""

_LANES: Mapping[StepKind, _Lane] = {"pull": "images", "build": "images", "stop": "stops"}
"""Everything else is work for the engine's processors."""
_MAX_IMAGES = 4
"""The engine bounds the layers that it loads at once itself (3 by default)."""
_MAX_STOPS = 32
"""A stop mostly waits for the container to exit."""
_MAX_STARTS = 16
"""An upper limit even on engines with many processors: the started services need some too."""
_CRITICAL_FACTOR = 3
"""Factor for starts on the longest path: much of a start is waiting."""
_SAME_LENGTH_SHARE = 0.8
"""Part of a path from which on another is as long: times are only expected."""


def lane_of(kind: StepKind) -> _Lane:
    """The lane that limits steps of this *kind*."""
    return _LANES.get(kind, "engine")


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
        self._queues: dict[_Lane, list[_Entry]] = {"engine": [], "images": [], "stops": []}
        self._free: dict[_Lane, int] = {
            "engine": self.at_once,
            "images": _MAX_IMAGES,
            "stops": _MAX_STOPS,
        }

    @property
    def most(self) -> int:
        """Maximum number of steps at the same time."""
        return self.at_once * _CRITICAL_FACTOR + _MAX_IMAGES + _MAX_STOPS

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

    def _is_pressing(self, lane: _Lane, under_way: Collection[str]) -> bool:
        """Whether the first of the queue may start beyond the slots: no step *under_way* has a
        longer path that this would delay."""
        if lane != "engine" or self._free[lane] <= self.at_once * (1 - _CRITICAL_FACTOR):
            return False
        path = -self._queues[lane][0][0]
        remaining = self._plan.remaining
        return all(remaining[step_id] * _SAME_LENGTH_SHARE <= path for step_id in under_way)


Report = Callable[[tuple[StepView, ...], float], None]
"""Takes the views of all steps, and the seconds left."""
_MIN_REMAINING_SHARE = 0.25
"""Share of the elapsed time that a late step is still expected to take."""


class Progress:
    """The views of the steps of *plan*, passed to *report* after each change; *at_once* is how many
    steps the engine runs at once."""

    def __init__(self, plan: Plan, report: Report, at_once: int) -> None:
        self._plan = plan
        self._report = report
        self._at_once = at_once
        self._views = {step.id: step.view for step in plan}
        self._seconds = {step.id: step.seconds for step in plan}
        self._is_changed = True

    def status(self, step_id: str) -> StepStatus:
        return self._views[step_id].status

    def set(self, step_id: str, status: StepStatus) -> None:
        """The step is there now."""
        view, now = self._views[step_id], awake()
        if status == "running":
            view = replace(view, began=now)
        elif view.began is not None:
            view = replace(view, seconds=now - view.began)
        self._views[step_id] = replace(view, status=status)
        self._is_changed = True

    def show(self, step_id: str, pull: PullProgress) -> None:
        self._views[step_id] = replace(
            self._views[step_id],
            current=pull.current,
            total=pull.total,
            rate=pull.rate,
            detail=Text("{done}/{total} layers", done=pull.layers_done, total=pull.layers_total),
        )
        self._is_changed = True

    def skip_rest(self) -> None:
        """Mark all unfinished steps as skipped."""
        for step_id, view in self._views.items():
            if view.status in ("pending", "running"):
                self.set(step_id, "skipped")

    def report(self, begun: Mapping[str, float]) -> None:
        """Report changes, if there are any. *begun*: when each running step began, in seconds of
        the clock `awake`."""
        if self._is_changed:
            self._is_changed = False
            self._report(tuple(self._views.values()), self._seconds_left(begun))

    def _seconds_left(self, begun: Mapping[str, float]) -> float:
        """Seconds of the longest unfinished path, or of all the engine's work if that takes
        longer."""
        now = awake()
        path = work = 0.0
        for step_id, view in self._views.items():
            if view.status not in ("pending", "running"):
                continue
            expected, elapsed = self._seconds[step_id], now - begun.get(step_id, now)
            # A step that is late will probably not finish in the next moment.
            left = max(expected - elapsed, _MIN_REMAINING_SHARE * elapsed)
            path = max(path, self._plan.remaining[step_id] - expected + left)
            if view.kind != "wait" and lane_of(view.kind) == "engine":
                work += self._seconds[step_id]
        return max(0.0, path, work / self._at_once)
