"""Everything that is known, and the remaining work of our operations."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    EngineNotInstalledError,
    TrustError,
    each,
)
from aiserver_tray.model import (
    TASKS,
    Container,
    ModuleModel,
    OperationKind,
    OperationStatus,
    StepKind,
    Theme,
)
from aiserver_tray.state.views import EngineView, OperationView, StepView

STARTS: frozenset[OperationKind] = frozenset({"up", "restart"})
_STOPS: frozenset[OperationKind] = frozenset({"stop", "down"})
_NO_FAILURES: Final = (EngineDownError.code, EngineNotInstalledError.code, TrustError.code)
"""Errors of a start that are no failures of its module: a lost engine, and a question."""
_ON_CONTAINERS: frozenset[StepKind] = frozenset({"remove", "create", "start", "wait", "stop"})


@dataclass(frozen=True, slots=True)
class Work:
    """The remaining work of all operations."""

    containers: frozenset[str] = frozenset()
    """names of the containers with steps left"""
    starting: frozenset[str] = frozenset()
    """those of them that will run in the end"""
    stopping: frozenset[str] = frozenset()
    """modules of a stop or down with steps left"""
    planned: frozenset[str] = frozenset()
    """modules of starts that wait or have no steps yet"""
    modules: frozenset[str] = frozenset()
    """modules of running operations with unknown steps, such as those of other processes"""
    held: frozenset[str] = frozenset()
    """those of them that start again what they have stopped"""
    busy: frozenset[str] = frozenset()
    """all modules of unfinished operations"""
    restarting: frozenset[str] = frozenset()
    """modules of restarts, backups and restores"""
    ending: frozenset[str] = frozenset()
    """names of the containers that these are stopping"""
    reviving: frozenset[str] = frozenset()
    """modules that the owner brings back by itself"""
    may_revive_any: bool = False
    """the owner brings modules back, and has not named them yet"""
    may_be_any: bool = False
    """an operation has not named its modules yet"""
    starts_chosen: bool = False
    """a start of the chosen modules has not named them yet"""

    @classmethod
    def of(cls, operations: Iterable[OperationView]) -> Self:
        # A rehearsal works on a copy.
        active = [o for o in operations if not o.is_over and o.kind != "rehearse"]
        starts = [operation for operation in active if operation.kind in STARTS]
        stops = [o for o in active if o.kind in _STOPS and o.status == "running"]
        tasks = [operation for operation in active if operation.kind in TASKS]
        restarts = [*(one for one in starts if one.kind == "restart"), *tasks]
        revivals = [operation for operation in active if operation.is_revival]
        stop_steps = [step for stop in stops for step in _remaining(stop)]
        starting = _containers(s for one in (*starts, *tasks) for s in _remaining(one))
        return cls(
            containers=starting | _containers(stop_steps),
            starting=starting,
            stopping=frozenset(step.module for step in stop_steps) | _without_steps(stops),
            planned=_without_steps(starts, "running", "waiting"),
            modules=_without_steps(active),
            held=_without_steps(task for task in tasks if task.is_foreign),
            busy=frozenset().union(*map(_modules, active)),
            restarting=frozenset().union(*map(_modules, restarts)),
            ending=_stopping(restarts),
            reviving=frozenset().union(*map(_modules, revivals)),
            may_revive_any=any(not (one.modules or one.steps) for one in revivals),
            may_be_any=any(not (o.modules or o.steps) for o in active),
            starts_chosen=any(o.kind == "up" and not (o.modules or o.steps) for o in active),
        )

    def has(self, module: str) -> bool:
        """Whether an operation works on *module*, or may do so."""
        return self.may_be_any or module in self.busy


def _without_steps(
    operations: Iterable[OperationView], *statuses: OperationStatus
) -> frozenset[str]:
    """The modules of those *operations* that are in one of *statuses* (by default running) and have
    no steps yet."""
    return frozenset(
        name
        for operation in operations
        if operation.status == "waiting" or not operation.steps
        if operation.status in (statuses or ("running",))
        for name in operation.modules
    )


def _remaining(operation: OperationView) -> Iterator[StepView]:
    return (step for step in operation.steps if step.status in ("pending", "running"))


def _modules(operation: OperationView) -> set[str]:
    return {*operation.modules, *(step.module for step in operation.steps)}


def _stopping(operations: Iterable[OperationView]) -> frozenset[str]:
    steps = (step for operation in operations for step in operation.steps)
    return _containers(s for s in steps if s.kind == "stop" and s.status == "running")


def _containers(steps: Iterable[StepView]) -> frozenset[str]:
    return frozenset(step.subject for step in steps if step.kind in _ON_CONTAINERS)


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why a start of a module failed."""

    cause: str
    """the module that the error is about: itself, or one that it requires"""
    error: AiServerError
    at: datetime | None


def start_failures(
    operation: OperationView, requires: Mapping[str, Sequence[str]]
) -> dict[str, StartFailure]:
    """Module -> why its start by *operation* failed: for an error of its own, else for one of a
    module that it requires. *requires*: by module."""
    if operation.status != "failed" or operation.kind not in STARTS or operation.error is None:
        return {}
    errors = [one for one in each(operation.error) if one.code not in _NO_FAILURES]
    known = {*requires, *operation.modules}
    errors.sort(key=lambda one: not _named(one, known))  # one of its own says more of a module
    own = {name: one for one in reversed(errors) for name in _about(one, operation, known)}
    found: dict[str, StartFailure] = {}
    for name in operation.modules:
        for cause in (name, *sorted(closure(requires, requires.get(name, ())))):
            if cause in own:
                found.setdefault(name, StartFailure(cause, own[cause], operation.ended_at))
    return found


def _about(error: AiServerError, operation: OperationView, known: Collection[str]) -> Sequence[str]:
    """The modules of *operation* that *error* is about. One that names none, such as a full disk,
    is about those that it kept from starting."""
    names = _named(error, known)
    if named := [name for name in names if name in operation.modules]:
        return named
    if names and len(operation.modules) > 1:
        return ()
    unfinished = {step.module for step in operation.steps if step.status != "done"}
    return [name for name in operation.modules if name in unfinished] or operation.modules


def _named(error: AiServerError, known: Collection[str]) -> list[str]:
    """The modules that *error* names. A setting begins with the name of its module, if it is one of
    a *known* module: others are the applet's own, or files."""
    data = error.data
    names = [name for name in (data.get("module"), *data.get("modules", ())) if name]
    owner = str(data.get("name", "")).partition(".")[0]
    return [*names, owner] if owner in known else names


def closure(requires: Mapping[str, Sequence[str]], names: Iterable[str]) -> frozenset[str]:
    """Those of *names* that *requires* knows, and all that they require, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in requires and name not in found:
            found.add(name)
            left.extend(requires[name])
    return frozenset(found)


@dataclass(frozen=True)
class StateFields:
    """Everything that is known."""

    seq: int = 0
    """the number of changes so far"""
    engine: EngineView = field(default_factory=lambda: EngineView(running=False))
    containers: Mapping[str, Container] = field(default_factory=dict)
    """by name"""
    last_containers: Mapping[str, Container] = field(default_factory=dict)
    """while the engine is down: those that it had before, by name"""
    modules: tuple[ModuleModel, ...] = ()
    chosen: tuple[str, ...] = ()
    theme: Theme = "system"
    desired: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()
    """services (``module/service``) that the user stopped alone"""
    operations: tuple[OperationView, ...] = ()
    """the running ones, the last finished one, and failed ones that no later one has replaced"""
    unplanned: frozenset[str] = frozenset()
    """names of containers that exited without an operation and were not healthy since"""
    calm: Mapping[str, int] = field(default_factory=dict)
    """by id of a container: how often the engine had restarted it when it was last ready"""
    forwarded: Mapping[tuple[str, int], int] | None = None
    """the ports of the engine's computer that are forwarded, as in `PortsForwarded`; None: this
    computer has the engine's ports itself"""
    outdated: frozenset[str] = frozenset()
    """modules with running containers that the current settings would recreate"""
    work: Work = field(default_factory=Work)
    failures: Mapping[str, StartFailure] = field(default_factory=dict)
    """by module: why its last start failed"""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the engine is on a computer to which a connection can be lost while it runs."""
        return self.forwarded is not None
