"""The display of an operation as rows, one for each image and service. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import StepKind, StepStatus
from aiserver_tray.state.progress import name_of
from aiserver_tray.state.views import OperationView, StepView

_OVER = ("done", "skipped")

_IDLE: Mapping[StepStatus, Text] = {
    "pending": Text("waits"),
    "skipped": Text("not run"),
    "failed": Text("failed"),
}

_RUNNING: Mapping[StepKind, Text] = {
    "pull": Text("pulling"),
    "build": Text("building"),
    "network": Text("creating"),
    "volume": Text("creating"),
    "create": Text("creating"),
    "start": Text("starting"),
    "wait": Text("started, not ready yet"),
    "stop": Text("stopping"),
    "remove": Text("removing"),
    "remove_network": Text("removing"),
    "remove_volume": Text("removing"),
    "kernel_setting": Text("setting"),
}

_DONE: Mapping[StepKind, Text] = {
    "pull": Text("pulled"),
    "build": Text("built"),
    "network": Text("created"),
    "volume": Text("created"),
    "create": Text("created"),
    "start": Text("started"),
    "wait": Text("ready"),
    "stop": Text("stopped"),
    "remove": Text("removed"),
    "remove_network": Text("removed"),
    "remove_volume": Text("removed"),
    "kernel_setting": Text("set"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """The steps of one subject and their progress. ``name`` is for display; ``module`` is None if
    modules can share the subject (an image). ``parts``: the names of the rows that it combines."""

    name: str
    module: str | None
    step: StepView
    parts: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.step.status in _OVER

    @property
    def word(self) -> Text:
        """Its state in a word or two."""
        return word(self.step)


def word(step: StepView) -> Text:
    """The state of *step*, for display."""
    match step.status:
        case "running":
            return _RUNNING[step.kind]
        case "done":
            return _DONE[step.kind]
        case status:
            return _IDLE[status]


def rows(view: OperationView) -> list[Row]:
    """A row for each image and service of *view*, in the order of its steps; networks and
    volumes, which take no time, only while they fail."""
    steps: dict[tuple[str, str | None], list[StepView]] = {}
    for step in view.steps:
        if step.service is None and step.kind not in ("pull", "build"):
            if step.status == "failed":
                steps[(str(name_of(step)), None)] = [step]
            continue
        shared = step.kind in ("pull", "build")
        key = (str(name_of(step)), None if shared else step.module)
        steps.setdefault(key, []).append(step)
    return [Row(name, module, _current(found), (name,)) for (name, module), found in steps.items()]


def _current(steps: list[StepView]) -> StepView:
    """The current step of a subject: a failed one, otherwise a running one, the next one, a skipped
    one, the last one."""
    return next(
        (
            step
            for status in ("failed", "running", "pending", "skipped")
            for step in steps
            if step.status == status
        ),
        steps[-1],
    )


def collapsed(found: Iterable[Row]) -> list[Row]:
    """*found* with one row, under the module's name, for each module that is done with, and
    without the images that are there."""
    found = [row for row in found if row.module or not row.is_over]
    open_modules = {row.module for row in found if not row.is_over}
    shown: dict[str, Row] = {}
    for row in found:
        if row.module is None or row.module in open_modules:
            shown[row.name] = row
        else:
            earlier = shown[row.module].parts if row.module in shown else ()
            shown[row.module] = Row(row.module, row.module, row.step, (*earlier, row.name))
    return list(shown.values())


def progress(view: OperationView) -> tuple[float, int, int]:
    """The progress of *view*: as a share of 1 (pulls count by their bytes), and as finished and
    total steps."""
    done = sum(step.status in _OVER for step in view.steps)
    parts = sum(
        min(1.0, step.current / step.total)
        for step in view.steps
        if step.status == "running" and step.total
    )
    return (done + parts) / max(1, len(view.steps)), done, len(view.steps)
