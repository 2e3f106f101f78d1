"""What is known of everything, and the remaining work of our operations."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from aiserver_tray.model import (
    Container,
    ModuleModel,
    OperationKind,
    OperationStatus,
    StepKind,
    Theme,
)
from aiserver_tray.state.views import EngineView, OperationView, StepView

_STARTS: frozenset[OperationKind] = frozenset({"up", "restart"})
_STOPS: frozenset[OperationKind] = frozenset({"stop", "down"})
_ON_CONTAINERS: frozenset[StepKind] = frozenset({"remove", "create", "start", "wait", "stop"})


@dataclass(frozen=True, slots=True)
class Work:
    """The remaining work of all operations.

    ``containers``: names of the containers with steps left. ``starting``: those of them that will
    run in the end. ``stopping``: modules with steps left of a stop or down. ``planned``: modules of
    starts that wait or have no steps yet. ``modules``: modules of running operations with unknown
    steps, such as those of other processes. ``busy``: all modules of unfinished operations.
    ``may_be_any``: an operation has not named its modules yet.
    """

    containers: frozenset[str] = frozenset()
    starting: frozenset[str] = frozenset()
    stopping: frozenset[str] = frozenset()
    planned: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    may_be_any: bool = False

    @classmethod
    def of(cls, operations: Iterable[OperationView]) -> Self:
        active = [operation for operation in operations if not operation.is_over]
        starts = [operation for operation in active if operation.kind in _STARTS]
        stops = [o for o in active if o.kind in _STOPS and o.status == "running"]
        stop_steps = [step for stop in stops for step in _left(stop)]
        starting = _containers(step for start in starts for step in _left(start))
        return cls(
            containers=starting | _containers(stop_steps),
            starting=starting,
            stopping=frozenset(step.module for step in stop_steps) | _unknown(stops),
            planned=_unknown(starts, "running", "waiting"),
            modules=_unknown(active),
            busy=frozenset().union(*map(_modules, active)),
            may_be_any=any(not (o.modules or o.steps) for o in active),
        )

    def has(self, module: str) -> bool:
        """Whether an operation has *module*, or may have it."""
        return self.may_be_any or module in self.busy


def _unknown(operations: Iterable[OperationView], *statuses: OperationStatus) -> frozenset[str]:
    """The modules of those *operations* that are in one of *statuses* (running), and whose steps
    are not known."""
    return frozenset(
        name
        for operation in operations
        if operation.status == "waiting" or not operation.steps
        if operation.status in (statuses or ("running",))
        for name in operation.modules
    )


def _left(operation: OperationView) -> Iterator[StepView]:
    return (step for step in operation.steps if step.status in ("pending", "running"))


def _modules(operation: OperationView) -> set[str]:
    return {*operation.modules, *(step.module for step in operation.steps)}


def _containers(steps: Iterable[StepView]) -> frozenset[str]:
    return frozenset(step.subject for step in steps if step.kind in _ON_CONTAINERS)


@dataclass(frozen=True)
class StateFields:
    """Everything that is known.

    ``containers``: by name. ``operations``: the running ones, the last finished one, and failed
    ones that no later one has replaced.
    ``stopped``: services (``module/service``) that the user stopped alone.
    ``unplanned``: names of containers that exited without an operation and were not healthy since.
    ``outdated``: modules with running containers that the current settings would recreate.
    ``seq`` counts the changes.
    """

    seq: int = 0
    engine: EngineView = field(default_factory=lambda: EngineView(running=False))
    containers: Mapping[str, Container] = field(default_factory=dict)
    modules: tuple[ModuleModel, ...] = ()
    chosen: tuple[str, ...] = ()
    theme: Theme = "system"
    desired: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()
    operations: tuple[OperationView, ...] = ()
    unplanned: frozenset[str] = frozenset()
    outdated: frozenset[str] = frozenset()
    work: Work = field(default_factory=Work)
