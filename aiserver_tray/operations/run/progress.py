"""The progress of a plan: the views of its steps, its downloads, and the time left.

The time left that is shown follows the estimates, but never goes up by more than a quarter unless a
reason is shown with it.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.engine.values import PullProgress
from aiserver_tray.model import StepStatus
from aiserver_tray.operations.plan.plan import Plan, Step, lane_of
from aiserver_tray.operations.run.downloads import Downloads, KnownSizes, Part
from aiserver_tray.state.progress import name_of
from aiserver_tray.state.views import DownloadView, StepView
from aiserver_tray.system.clock import awake

_MIN_REMAINING_SHARE = 0.25
"""Share of the elapsed time that a late step is still expected to take."""
_PULL_SECONDS = 0.2
"""Seconds between two reports of what is downloaded: each pull has many messages."""
REPORT_SECONDS = 1.0
"""Seconds after which rates and estimates are reported again, even if nothing has changed."""


_MOST_RISE = 1.25
_HOLD_SECONDS = 3.0
"""Seconds for which a higher estimate must last before it is shown: many are over by then."""
_SMOOTH_SECONDS = 3.0
"""Time constant of the mean that is shown."""
_LEAST_SECONDS = 1.0
"""What is not over takes at least so many more seconds."""
_SHOW_SECONDS = 20.0
"""Seconds for which a reason is shown."""
_SLOWER = 0.87
"""A rate of at most this share of the earlier one counts as slower."""


@dataclass(frozen=True)
class Estimate:
    """What is expected at one moment."""

    seconds: float
    """Time left."""
    rate: float = 0.0
    """Of the downloads, in bytes per second."""
    load: int = 0
    """All bytes of the downloads, old and new."""
    images: int = 0
    """Their number."""
    late: StepView | None = None
    """The step that takes longer than expected, if that is what counts."""


@dataclass(frozen=True)
class Shown:
    """What is said about the time left."""

    seconds: float | None = None
    """None: still estimating."""
    reason: Text | None = None
    """Why it is more than it was, or why it is not known."""


class TimeLeft:
    """What is shown of one estimate after the other, for one operation. *name* names a step."""

    def __init__(self, name: Callable[[StepView], Text | str] = name_of) -> None:
        self._name = name
        self._end: float | None = None
        """When all will be done, as it was shown last."""
        self._lowest = 0.0
        """The earliest end that was shown since the last reason."""
        self._base = Estimate(0.0)
        """The estimate that this was shown for."""
        self._at = 0.0
        self._high_since: float | None = None
        self._reason: tuple[Text, float] | None = None

    def show(self, estimate: Estimate | None, now: float, why_not: Text | None = None) -> Shown:
        """What is shown at *now* (seconds of a clock) after *estimate*; None: there is none,
        because of *why_not*."""
        if estimate is None:
            self._high_since = None
            return Shown(None, why_not or self._said(now))
        seconds = self._limited(estimate, now)
        self._at = now
        return Shown(max(_LEAST_SECONDS, seconds), self._said(now))

    def _limited(self, estimate: Estimate, now: float) -> float:
        if self._end is None:
            return self._set(estimate, now + estimate.seconds, now)
        most = _MOST_RISE * max(0.0, self._lowest - now)
        if estimate.seconds > max(most, _LEAST_SECONDS):
            return self._held(estimate, most, now)
        self._high_since = None
        weight = 1 - math.exp((self._at - now) / _SMOOTH_SECONDS)
        end = self._end + weight * (now + estimate.seconds - self._end)
        if end <= self._lowest:
            return self._set(estimate, end, now)
        self._end = min(end, now + most)
        return self._end - now

    def _held(self, estimate: Estimate, most: float, now: float) -> float:
        """What is shown of an *estimate* that is much higher: the *most* that may be, until it has
        lasted."""
        self._high_since = now if self._high_since is None else self._high_since
        if now - self._high_since < _HOLD_SECONDS:
            self._end = now + most
            return most
        self._reason = self._why(estimate, self._base), now
        return self._set(estimate, now + estimate.seconds, now)

    def _set(self, estimate: Estimate, end: float, now: float) -> float:
        self._end = self._lowest = end
        self._base, self._high_since = estimate, None
        return end - now

    def _why(self, now: Estimate, before: Estimate) -> Text:
        """Why *now* is so much later than *before*."""
        if now.images > before.images:
            return Text("a new image was found")
        if now.rate and now.rate <= _SLOWER * before.rate:
            return Text("the download became slower")
        if now.load > before.load:
            return Text("there is more to download than expected")
        if now.late:
            return Text("{name} takes longer than expected", name=self._name(now.late))
        return Text("it takes longer than expected")

    def _said(self, now: float) -> Text | None:
        if self._reason is None or now - self._reason[1] > _SHOW_SECONDS:
            return None
        return self._reason[0]


@dataclass(frozen=True)
class Report:
    """How far a plan is."""

    steps: tuple[StepView, ...]
    downloads: DownloadView
    left: Estimate | None
    """Of the whole plan; None: not known."""
    downloads_left: Estimate | None
    why_unknown: Text | None
    """Why neither is known, if there is more to say than that it is too early."""


class Progress:
    """The progress of *plan*, passed to *report* after each change; *at_once* is how many steps the
    engine runs at once."""

    def __init__(self, plan: Plan, report: Callable[[Report], None], at_once: int) -> None:
        self._plan = plan
        self._report = report
        self._at_once = at_once
        self._views = {step.id: step.view for step in plan}
        self._seconds = {step.id: step.seconds for step in plan}
        pulls = [step for step in plan if step.kind == "pull"]
        pulls.sort(key=lambda step: -plan.remaining[step.id])  # as `Lanes` begins them
        self._downloads = Downloads({step.id: step.module for step in pulls}, _known(pulls))
        self._pulls = {step.id for step in pulls}
        self._is_changed = True
        self._reported_at = 0.0

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
        if step_id in self._pulls:
            if status == "running":
                self._downloads.begin(step_id)
            else:
                self._downloads.end(step_id, is_done=status == "done")
        self._is_changed = True

    def show(self, step_id: str, pull: PullProgress) -> None:
        """The engine reports the progress of a pull."""
        done = sum(layer.state in ("unpacked", "present") for layer in pull.layers.values())
        detail = Text("{done}/{total} layers", done=done, total=len(pull.layers))
        self._views[step_id] = replace(self._views[step_id], detail=detail)
        self._downloads.progress(step_id, pull)
        self._is_changed |= awake() - self._reported_at >= _PULL_SECONDS

    def resize(self, step_id: str, size: ImageSize | None) -> None:
        """The registry has answered how large the image of a pull is; None: it has not."""
        self._downloads.resize(step_id, size)
        self._is_changed = True

    def skip_rest(self) -> None:
        """Mark all unfinished steps as skipped."""
        for step_id, view in self._views.items():
            if view.status in ("pending", "running"):
                self.set(step_id, "skipped")

    def report(self, begun: Mapping[str, float]) -> None:
        """Report changes, if there are any, and every second what follows from the time. *begun*:
        when each running step began, in seconds of the clock `awake`."""
        now = awake()
        if not self._is_changed and now - self._reported_at < REPORT_SECONDS:
            return
        self._is_changed, self._reported_at = False, now
        self._downloads.measure(now)
        parts, total = self._downloads.parts, self._downloads.total
        for step_id in self._pulls:
            self._views[step_id] = _with_part(self._views[step_id], parts.get(step_id))
        finishes = self._downloads.finishes()
        self._report(
            Report(
                steps=tuple(self._views.values()),
                downloads=total,
                left=None if finishes is None else self._left(begun, now, finishes, total),
                downloads_left=None if finishes is None else _of_downloads(finishes, total),
                why_unknown=self._downloads.why_unknown,
            )
        )

    def _left(
        self,
        begun: Mapping[str, float],
        now: float,
        finishes: Mapping[str, float],
        total: DownloadView,
    ) -> Estimate:
        """Seconds of the longest unfinished path, or of all the engine's work if that takes
        longer."""
        path = work = 0.0
        late: StepView | None = None
        for step_id, view in self._views.items():
            if view.status not in ("pending", "running"):
                continue
            expected, elapsed = self._seconds[step_id], now - begun.get(step_id, now)
            # A step that is late will probably not finish in the next moment.
            least = _MIN_REMAINING_SHARE * elapsed
            left = finishes.get(step_id, max(expected - elapsed, least))
            whole = self._plan.remaining[step_id] - expected + left
            if whole > path:
                path, late = whole, view if elapsed > expected else None
            if view.kind != "wait" and lane_of(view.kind) == "engine":
                work += expected
        seconds = max(path, work / self._at_once)
        return replace(_of_downloads(finishes, total), seconds=seconds, late=late)


def _known(pulls: Iterable[Step]) -> KnownSizes:
    return KnownSizes(
        {step.id: step.size for step in pulls if step.size},
        frozenset(step.id for step in pulls if step.is_asked),
        {step.module: step.module_download for step in pulls if step.module_download},
    )


def _of_downloads(finishes: Mapping[str, float], total: DownloadView) -> Estimate:
    seconds = max(finishes.values(), default=0.0)
    return Estimate(seconds, total.rate, total.total, total.images)


def _with_part(view: StepView, part: Part | None) -> StepView:
    """*view* with the bytes of its image; without a total while its size is not known."""
    if part is None:
        return replace(view, rate=0.0, awaits_shared=False)
    return replace(
        view,
        current=part.current,
        total=part.total if part.is_sized else 0,
        rate=part.rate,
        awaits_shared=part.awaits_shared,
    )
