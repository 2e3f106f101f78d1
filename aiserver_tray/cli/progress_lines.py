"""Progress as plain lines, for a file, a pipe or a log: one for each change of a step."""

from collections.abc import Iterator
from dataclasses import replace

from aiserver_tray.base.harmless import harmless
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.cli import units
from aiserver_tray.cli.rows import word
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
        """Changes since the last view. ``now``: seconds of any clock that never jumps."""
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
            time = units.seconds(now - self._begun.get(index, now))
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
    text = Text(
        "{name}: {part} % of {size}",
        name=step.subject,
        part=100 * quarter // _QUARTERS,
        size=units.size(step.total),
    )
    return Text("{text} ({detail})", text=text, detail=step.detail) if step.detail else text
