"""The progress of a plan, for display."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.values import PullProgress
from aiserver_tray.model import StepStatus
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.run.lanes import lane_of
from aiserver_tray.state.views import StepView
from aiserver_tray.system.clock import awake

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
        """The current status of the step."""
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
        """Set the progress of a pull."""
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
