"""Progress as plain lines, one for each change of a step, for a file, a pipe or a log."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli import words
from aiserver_tray.model import StepStatus
from aiserver_tray.state.progress import name_of
from aiserver_tray.state.views import OperationView, StepView

_QUARTERS = 4


class ProgressLines:
    """Turns the views of one operation into lines. For a pull, each quarter is a line."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._steps: tuple[StepView, ...] = ()
        self._begun: dict[int, float] = {}
        self._waiting = False

    def lines(self, view: OperationView, now: float) -> Iterator[str]:
        """The changes since the last view. *now*: seconds of a monotonic clock."""
        if view.status == "waiting" and not self._waiting and view.detail:
            self._waiting = True
            yield harmless(view.detail.render(self._language))
        before, self._steps = self._steps, view.steps
        for index, step in enumerate(view.steps):
            old = before[index] if index < len(before) else None
            if step is old:
                continue
            for seen in _passed(step, old):
                if text := self._text(index, seen, old, now):
                    yield harmless(text.render(self._language))

    def _text(self, index: int, step: StepView, old: StepView | None, now: float) -> Text | None:
        if old and old.status == step.status:
            return _quarter(step, old)
        if step.status == "running":
            self._begun[index] = now
        if step.status in ("pending", "skipped") or _is_minor(step):
            return None
        name, what = name_of(step), word(step)
        if step.status != "running" and step.kind in ("pull", "build", "wait", "stop", "remove"):
            time = words.seconds(now - self._begun.get(index, now))
            return Text("{name}: {what} ({time})", name=name, what=what, time=time)
        return Text("{name}: {what}", name=name, what=what)


def _passed(step: StepView, old: StepView | None) -> tuple[StepView, ...]:
    """The latest change of *step* since *old*; intermediate views are skipped."""
    if step.status == "done" and (old is None or old.status == "pending"):
        return (replace(step, status="running"), step)
    return (step,)


def _is_minor(step: StepView) -> bool:
    """Whether *step* starts something so short that only its end is shown."""
    return step.status == "running" and step.kind not in (
        "pull", "build", "start", "stop", "remove",
    )  # fmt: skip


def _quarter(step: StepView, old: StepView) -> Text | None:
    if step.status != "running" or not step.total or not old.total:
        return None
    quarter = _QUARTERS * step.current // step.total
    if quarter <= _QUARTERS * old.current // old.total or quarter >= _QUARTERS:
        return None
    part, size = 100 * quarter // _QUARTERS, words.size(step.total)
    text = Text("{name}: {part} % of {size}", name=name_of(step), part=part, size=size)
    return Text("{text} ({detail})", text=text, detail=step.detail) if step.detail else text


_OVER = ("done", "skipped")

_IDLE: Mapping[StepStatus, Text] = {
    "pending": Text("waits"),
    "skipped": Text("not run"),
    "failed": Text("failed"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """The steps of one subject and their progress."""

    name: str
    """for display"""
    module: str
    step: StepView
    """the current step"""
    parts: tuple[str, ...]
    """the names of the rows that it combines"""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.step.status in _OVER


def word(step: StepView) -> Text:
    """The state of *step*, for display."""
    match step.status:
        case "running":
            return words.STEPS[step.kind].running
        case "done":
            return words.STEPS[step.kind].done
        case status:
            return _IDLE[status]


def rows(view: OperationView) -> list[Row]:
    """A row for each service of *view*, in the order of its steps. An image is in the row of the
    first service that needs it. Networks and volumes, which take no time, have one only while they
    fail."""
    steps: dict[tuple[str, str], list[StepView]] = {}
    for step in view.steps:
        if step.service or step.kind in ("pull", "build") or step.status == "failed":
            steps.setdefault((str(name_of(step)), step.module), []).append(step)
    return [Row(name, module, _current(found), (name,)) for (name, module), found in steps.items()]


def _current(steps: list[StepView]) -> StepView:
    """The current step of a subject: a failed one, otherwise a running one, the next one, a skipped
    one, the last one."""
    order = ("failed", "running", "pending", "skipped")
    found = (step for status in order for step in steps if step.status == status)
    return next(found, steps[-1])


def collapsed(found: Iterable[Row]) -> list[Row]:
    """*found* with a single row, under the module's name, for each finished module."""
    found = list(found)
    open_modules = {row.module for row in found if not row.is_over}
    shown: dict[str, Row] = {}
    for row in found:
        if row.module in open_modules:
            shown[row.name] = row
        else:
            earlier = shown[row.module].parts if row.module in shown else ()
            shown[row.module] = Row(row.module, row.module, row.step, (*earlier, row.name))
    return list(shown.values())
