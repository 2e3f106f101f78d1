"""An operation as it goes on: the views that the store would show."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiserver_tray.engine.values import PullProgress
from aiserver_tray.model import OperationStatus, StepStatus
from aiserver_tray.operations.plan.plan import Plan, Step
from aiserver_tray.operations.run.lanes import Progress
from aiserver_tray.state.views import OperationView, StepView

IMAGE = "docker.io/n8nio/n8n:2.41.3"


def service(module: str, name: str, status: StepStatus = "pending") -> list[StepView]:
    container = f"ai-{module}" if module == name else f"ai-{module}-{name}"
    return [
        StepView(kind, container, module, name, status) for kind in ("create", "start", "wait")
    ]  # fmt: skip


def up() -> list[StepView]:
    """The steps of `up n8n` with nothing there."""
    return [
        StepView("network", "ai-net", "postgres"),
        StepView("pull", IMAGE, "n8n"),
        *service("postgres", "postgres"),
        *service("n8n", "database"),
        *service("n8n", "n8n"),
    ]


def changed(steps: Sequence[StepView], index: int, **values: Any) -> list[StepView]:  # noqa: ANN401
    """*steps* with one that has other *values*."""
    return [replace(step, **values) if i == index else step for i, step in enumerate(steps)]


def pulled(steps: Sequence[StepView], index: int, pull: PullProgress) -> list[StepView]:
    """*steps*, as the operation tells that one is a pull that is so far."""
    told: list[tuple[StepView, ...]] = []
    step = Step(steps[index].kind, steps[index].subject, steps[index].module)
    progress = Progress(Plan((step,)), lambda views, _: told.append(views), 1)
    progress.set(step.id, "running")
    progress.show(step.id, pull)
    progress.report({})
    return [*steps[:index], *told[-1], *steps[index + 1 :]]


def view(
    steps: Sequence[StepView],
    status: OperationStatus = "running",
    **values: Any,  # noqa: ANN401
) -> OperationView:
    """An `up n8n` that is so far."""
    return OperationView("1", "up", ("n8n",), status, steps=tuple(steps), **values)
