"""An operation as it goes on: the views that the store would show."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiserver_tray.engine.values import LayerProgress, PullProgress
from aiserver_tray.model import OperationStatus, StepStatus
from aiserver_tray.operations.plan.plan import Plan, Step
from aiserver_tray.operations.run.progress import Progress, Report
from aiserver_tray.state.views import OperationView, StepView

IMAGE = "docker.io/n8nio/n8n:2.41.6"


def service(module: str, name: str, status: StepStatus = "pending") -> list[StepView]:
    container = f"ai-{module}" if module == name else f"ai-{module}-{name}"
    return [
        StepView(kind, container, module, name, status) for kind in ("create", "start", "wait")
    ]  # fmt: skip


def up() -> list[StepView]:
    """The steps of `up n8n` with nothing there."""
    return [
        StepView("network", "ai-net", "postgres"),
        StepView("pull", IMAGE, "n8n", "n8n"),
        *service("postgres", "postgres"),
        *service("n8n", "database"),
        *service("n8n", "n8n"),
    ]


def changed(steps: Sequence[StepView], index: int, **values: Any) -> list[StepView]:  # noqa: ANN401
    """*steps* with one that has other *values*."""
    return [replace(step, **values) if i == index else step for i, step in enumerate(steps)]


def loading(current: int, total: int, *, done: int, layers: int) -> PullProgress:
    """A pull of which *current* of *total* bytes are there, in the last of its *layers*, and of
    which so many layers are *done*."""
    found = {f"old-{number}": LayerProgress(state="present") for number in range(done)}
    found |= {f"new-{number}": LayerProgress(state="loaded") for number in range(layers - done - 1)}
    last = LayerProgress(current, total, state="loading")
    return PullProgress(
        found | {"last": replace(last, state="loaded") if current == total else last}
    )


def pulled(steps: Sequence[StepView], index: int, pull: PullProgress) -> list[StepView]:
    """*steps*, as the operation tells that one is a pull that is so far."""
    told: list[Report] = []
    view = steps[index]
    step = Step(view.kind, view.subject, view.module, view.service)
    progress = Progress(Plan((step,)), told.append, 1)
    progress.set(step.id, "running")
    progress.show(step.id, pull)
    progress.report({})
    return [*steps[:index], *told[-1].steps, *steps[index + 1 :]]


def view(
    steps: Sequence[StepView],
    status: OperationStatus = "running",
    **values: Any,  # noqa: ANN401
) -> OperationView:
    """An `up n8n` that is so far."""
    return OperationView("1", "up", ("n8n",), status, steps=tuple(steps), **values)
