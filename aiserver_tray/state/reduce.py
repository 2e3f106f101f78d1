"""The only place where state changes: a pure function from state and fact to state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import assert_never

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.model import BESIDE, TASKS, Container, OperationKind
from aiserver_tray.state.aggregate import Views, snapshot
from aiserver_tray.state.facts import (
    ChosenChanged,
    ContainerGone,
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    EngineDown,
    EngineNamed,
    EngineStarting,
    EngineUp,
    Fact,
    ModulesChanged,
    OperationChanged,
    OutdatedChanged,
    PortsForwarded,
    TextsChanged,
    ThemeChanged,
)
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.state import StartFailure, StateFields, Work, closure, start_failures
from aiserver_tray.state.views import EngineView, OperationView, Snapshot

_REPAIRS_NOTHING: frozenset[OperationKind] = BESIDE | {"backup", "move"}
"""Operations after which a start that has failed is as failed as before."""
_MAX_FAILED = 20
"""The number of failed operations that are kept."""


@dataclass(frozen=True)
class State(StateFields):
    """The whole state, which makes its own snapshot."""

    views: Views = field(default_factory=dict, repr=False, compare=False)
    """Views of earlier snapshots, reused if their input is the same."""

    @cached_property
    def snapshot(self) -> Snapshot:
        """The snapshot of this state, created at first use."""
        return snapshot(self, self.views)


def reduce(state: State, fact: Fact) -> State:
    """The state after *fact*; the same object if nothing changes."""
    changed = _next(state, fact)
    return state if changed is state else replace(changed, seq=state.seq + 1)


def _next(state: State, fact: Fact) -> State:  # noqa: C901, PLR0911, PLR0912 - one case per fact
    match fact:
        case EngineUp(id, version, cpus, memory):
            known = EngineView(running=True, version=version, name=state.engine.name)
            up = replace(known, id=id, cpus=cpus, memory=memory)
            return _with(state, engine=up, last_containers={})
        case EngineDown(error, at):
            return _engine_down(state, error, at)
        case EngineStarting(begun, usual):
            known, is_on = state.engine, begun is not None
            engine = replace(known, starting=is_on, start_begun=begun, usual_start=usual)
            return _with(state, engine=engine)
        case EngineNamed(name):
            return _with(state, engine=replace(state.engine, name=name))
        case ContainersListed(containers, asked_at):
            return _listed(state, containers, asked_at)
        case ContainerSeen(container):
            return _seen(state, container)
        case ContainerGone(id):
            return _without(state, [name for name, c in state.containers.items() if c.id == id])
        case ModulesChanged(modules):
            return _with(state, modules=modules)
        case ChosenChanged(modules):
            return _with(state, chosen=modules)
        case ThemeChanged(theme):
            return _with(state, theme=theme)
        case TextsChanged():
            return replace(state)  # a new state, for which all texts are rendered again
        case DesiredChanged(modules, stopped):
            return _with(_desired(state, modules), stopped=stopped)
        case OutdatedChanged(modules):
            return _with(state, outdated=modules)
        case PortsForwarded(ports):
            return _with(state, forwarded=ports)
        case OperationChanged(operation):
            return _operation(state, operation)
        case _:
            assert_never(fact)


def _with(state: State, **changes: object) -> State:
    """*state* itself if all values are the same."""
    if all(getattr(state, name) == value for name, value in changes.items()):
        return state
    return replace(state, **changes)  # type: ignore[arg-type]


def _engine_down(state: State, error: AiServerError, at: datetime | None) -> State:
    """Also set the containers aside: an engine that comes back may have restarted them, and these
    restarts are not unplanned. Their counts are kept, to tell later restarts from earlier ones."""
    known = state.engine
    if not known.running and known.error is not None and known.error.text == error.text:
        return state
    engine = replace(
        known,
        running=False,
        version=None,
        error=error,
        reconnecting=known.id is not None and state.is_elsewhere,
        down_since=at if known.running else known.down_since,
    )
    last = state.containers if known.running else state.last_containers
    return replace(state, engine=engine, containers={}, last_containers=last, unplanned=frozenset())


def _listed(state: State, containers: Iterable[Container], asked_at: float) -> State:
    answers = {container.id: container for container in containers}
    newer = {n: c for n, c in state.containers.items() if _is_newer(c, answers.get(c.id), asked_at)}
    kept = {known.id for known in newer.values()}
    listed = {c.name: c for id, c in answers.items() if id not in kept} | newer
    unplanned = frozenset(name for name in listed if _is_unplanned(state, listed[name]))
    ids = {container.id for container in listed.values()}
    calm = {id: count for id, count in state.calm.items() if id in ids} | _calm(listed.values())
    return _with(state, containers=listed, unplanned=unplanned, calm=calm)


def _seen(state: State, container: Container) -> State:
    name = container.name
    known = state.containers.get(name)
    if known == container or (known and _is_older(container, known)):
        return state
    containers = {**state.containers, name: container}
    if known is None or known.id != container.id:
        for other in [n for n, c in containers.items() if c.id == container.id and n != name]:
            del containers[other]  # it was renamed
    unplanned = state.unplanned & containers.keys() - {name}
    if _is_unplanned(state, container):
        unplanned |= {name}
    calm = {**state.calm, **_calm([container])}
    return replace(state, containers=containers, unplanned=unplanned, calm=calm)


def _calm(containers: Iterable[Container]) -> dict[str, int]:
    return {container.id: container.restart_count for container in containers if container.is_ready}


def _is_newer(known: Container, answer: Container | None, asked_at: float) -> bool:
    """Whether a list that was requested at *asked_at* is too old for *known* and its *answer*: an
    operation may have created the container in the meantime."""
    return _is_older(answer, known) if answer else known.asked_at > asked_at


def _is_older(container: Container, known: Container) -> bool:
    """Whether *container* is from an older response than *known*. Responses about one container may
    arrive in any order."""
    return container.id == known.id and container.asked_at < known.asked_at


def _without(state: State, names: Iterable[str]) -> State:
    if not (gone := frozenset(names)):
        return state
    kept = {name: c for name, c in state.containers.items() if name not in gone}
    return replace(state, containers=kept, unplanned=state.unplanned - gone)


def _is_unplanned(state: State, new: Container) -> bool:
    """Whether a container exited without an operation, now or before, and was not healthy since."""
    work = state.work
    if new.name in work.containers or new.module in work.modules or new.is_ready:
        return False
    old = state.containers.get(new.name)
    if old is None or old.id != new.id:
        # The engine counts only restarts by the restart policy.
        return new.restart_count > state.calm.get(new.id, 0)
    return new.name in state.unplanned or _ended_between(old, new)


def _ended_between(old: Container, new: Container) -> bool:
    return old.status in ALIVE and (
        new.status not in ("running", "paused")
        or new.started_at != old.started_at
        or new.restart_count > old.restart_count
    )


def _desired(state: State, modules: frozenset[str]) -> State:
    """Containers of modules that are no longer wanted are not unplanned: they were stopped on
    purpose, perhaps by a process whose work was not seen in time."""
    requires = {model.name: model.requires for model in state.modules}
    before, now = (asked | closure(requires, asked) for asked in (state.desired, modules))
    dropped = {n for n, c in state.containers.items() if c.module in before - now}
    return _with(state, desired=modules, unplanned=state.unplanned - dropped)


def _operation(state: State, operation: OperationView) -> State:
    """Containers that an operation works on are not unplanned."""
    known = {o.id: o for o in state.operations}
    before = known.get(operation.id)
    # A finished operation moves to the end, because only the last finished one is kept.
    if operation.is_over and before and not before.is_over:
        del known[operation.id]
    known[operation.id] = operation
    later: list[OperationView] = []
    for one in reversed(known.values()):
        if not _is_past(one, later):
            later.append(one)
    operations = tuple(reversed(later))
    if operations == state.operations:
        return state
    work = Work.of(operations)
    return replace(
        state,
        operations=operations,
        work=work,
        unplanned=state.unplanned - work.containers,
        failures=_failures(state, operation),
    )


def _failures(state: State, operation: OperationView) -> dict[str, StartFailure]:
    """A failed start counts until another operation works on its module."""
    requires = {model.name: model.requires for model in state.modules}
    replaced = () if operation.kind in _REPAIRS_NOTHING else operation.modules
    kept = {name: why for name, why in state.failures.items() if name not in replaced}
    return kept | start_failures(operation, requires)


def _is_past(operation: OperationView, later: Sequence[OperationView]) -> bool:
    """Whether *operation* has ended, and is no longer shown next to the *later* ones. A failure is
    shown until another operation begins to work on the same modules."""
    if not operation.is_over:
        return False
    if operation.status != "failed":
        return any(one.is_over for one in later)
    is_old = sum(one.status == "failed" for one in later) >= _MAX_FAILED
    return is_old or any(_replaces(one, operation) for one in later)


def _replaces(later: OperationView, failed: OperationView) -> bool:
    if later.kind in _REPAIRS_NOTHING and failed.kind not in _REPAIRS_NOTHING:
        return False
    if failed.kind in TASKS | {"rehearse"} and later.kind != failed.kind:
        return False
    is_part = later.services and later.services != failed.services
    return not is_part and {*failed.modules} <= {*later.modules}
