"""From state to the input of each module's view, with the modules that it requires. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from aiserver_tray.model import (
    AT_REST,
    Container,
    ContainerStatus,
    ModuleModel,
    Port,
    ServiceModel,
)
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.state import StartFailure, StateFields, closure


@dataclass(frozen=True, slots=True)
class ModuleInput:
    """A module with the whole input of its view, except for its users."""

    model: ModuleModel
    containers: Mapping[str, Container]
    """by name"""
    last_states: Mapping[str, ContainerStatus]
    """while the engine is down: the last known states of its containers, by name"""
    required: frozenset[str]
    """all modules that it requires as it runs, directly or not"""
    starting: frozenset[str]
    """names of its containers that an operation will start"""
    ending: frozenset[str]
    """names of its containers that a restart is stopping"""
    unplanned: frozenset[str]
    """names of its containers that exited without an operation"""
    tries: Mapping[str, int]
    """how often the engine has restarted its containers since they were last ready, by name"""
    stopped: frozenset[str]
    """its services that the user stopped alone"""
    has_engine: bool
    is_stopping: bool
    is_busy: bool
    is_restarting: bool
    is_reviving: bool
    """the owner brings it back by itself"""
    is_outdated: bool
    wanted: bool = False
    """requested, or required by a requested module"""
    planned: bool = False
    """part of a start that has no steps yet, or required by such a part"""
    orphan: bool = False
    failure: StartFailure | None = None
    """why its last start failed"""
    spare: int | None = None
    """bytes of memory that no limit covers; only known for a module that ran out of memory"""
    forwarded: Mapping[tuple[str, int], int] | None = None
    """as in the state, for its own ports"""

    @property
    def name(self) -> str:
        return self.model.name

    def here(self, port: Port) -> Port | None:
        """The published *port* as this computer reaches it; None: it does not."""
        if self.forwarded is None:
            return port
        number = self.forwarded.get((port.address, port.host)) if port.protocol == "tcp" else None
        return replace(port, address="127.0.0.1", host=number) if number else None

    @property
    def is_alive(self) -> bool:
        """Whether any of its containers has not exited."""
        return any(container.status in ALIVE for container in self.containers.values())

    @property
    def has_failed_alone(self) -> bool:
        """Whether its start failed, and not because of a module that it requires."""
        return self.failure is not None and self.failure.cause == self.name and not self.is_alive

    @property
    def services(self) -> tuple[ServiceModel, ...]:
        """The services of the model. Without a model (orphans, a broken file), those that the
        containers name."""
        return self.model.services or tuple(map(_service_of, self.containers.values()))

    @property
    def left_over(self) -> tuple[ServiceModel, ...]:
        """Services that have a container, and are not in the model any more."""
        names = {service.container for service in self.services}
        return tuple(_service_of(c) for c in self.containers.values() if c.name not in names)


def module_inputs(state: StateFields) -> Iterator[ModuleInput]:
    """The input of each module in *state*, in the order of the catalog, orphans last."""
    requires = {model.name: model.requires for model in state.modules}
    wanted = closure(requires, state.desired)
    chosen = state.chosen if state.work.starts_chosen else ()
    planned = closure(requires, state.work.planned.union(chosen))
    if state.work.may_revive_any:
        planned |= wanted
    planned |= wanted & state.work.held
    spare, now = _spare(state), required_now(state.modules, state.containers.values())
    containers: dict[str, dict[str, Container]] = {}
    # Sorted, because an orphan shows its services in this order, and facts come in any order.
    for name, container in sorted(state.containers.items()):
        containers.setdefault(container.module, {})[name] = container
    for model in state.modules:
        own = containers.pop(model.name, {})
        yield _module(
            state,
            model,
            own,
            closure(now, now[model.name]),
            spare if any(c.oom_killed for c in own.values()) else None,
            wanted=model.name in wanted,
            planned=model.name in planned,
        )
    for name in sorted(containers):
        orphan = ModuleModel(name, "feature")
        yield _module(state, orphan, containers[name], closure(now, now[name]), None, orphan=True)


def _spare(state: StateFields) -> int | None:
    """The engine's memory minus the limits of the services that run."""
    if state.engine.memory is None:
        return None
    limits = {s.container: s.memory for model in state.modules for s in model.services}
    running = (name for name, c in state.containers.items() if c.status in ALIVE)
    return state.engine.memory - sum(limits.get(name) or 0 for name in running)


def _module(
    state: StateFields,
    model: ModuleModel,
    containers: Mapping[str, Container],
    required: frozenset[str],
    spare: int | None,
    **more: bool,
) -> ModuleInput:
    names = containers.keys() | {service.container for service in model.services}
    services = model.services if state.stopped else ()
    return ModuleInput(
        model,
        containers,
        {n: c.status for n, c in state.last_containers.items() if c.module == model.name},
        required,
        starting=state.work.starting & names,
        ending=state.work.ending & names,
        unplanned=state.unplanned & names,
        tries={n: c.restart_count - state.calm.get(c.id, 0) for n, c in containers.items()},
        stopped=frozenset(s.name for s in services if f"{model.name}/{s.name}" in state.stopped),
        has_engine=state.engine.running,
        is_stopping=model.name in state.work.stopping,
        is_busy=state.work.has(model.name),
        is_restarting=model.name in state.work.restarting,
        is_reviving=model.name in state.work.reviving or state.work.may_revive_any,
        is_outdated=model.name in state.outdated and not state.work.has(model.name),
        spare=spare,
        failure=state.failures.get(model.name),
        forwarded=_own(state.forwarded, containers.values()),
        **more,
    )


def _own(
    forwarded: Mapping[tuple[str, int], int] | None, containers: Iterable[Container]
) -> Mapping[tuple[str, int], int] | None:
    """Those of the *forwarded* ports that *containers* publish."""
    if forwarded is None:
        return None
    places = {(port.address, port.host) for container in containers for port in container.ports}
    return {place: here for place, here in forwarded.items() if place in places}


def _service_of(container: Container) -> ServiceModel:
    return ServiceModel(container.service, container.name, container.image)


def required_now(
    models: Iterable[ModuleModel], containers: Iterable[Container]
) -> dict[str, tuple[str, ...]]:
    """Module -> its requirements, by its model and by the labels of its containers. A running
    module keeps the requirements that it started with, even if it left the catalog, its file is
    broken or its settings have changed. New requirements of its file count too, because they
    recreate no container."""
    required = {model.name: dict.fromkeys(model.requires) for model in models}
    for container in _with_current_labels(containers):
        labelled = dict.fromkeys(container.requires or ())
        required[container.module] = required.get(container.module, {}) | labelled
    return {name: tuple(found) for name, found in required.items()}


def _with_current_labels(containers: Iterable[Container]) -> list[Container]:
    """*containers* without outdated ones: if some of a module's containers run, its exited ones
    (such as an old job) are left out."""
    found = list(containers)
    alive = {container.module for container in found if container.status not in AT_REST}
    return [c for c in found if c.status not in AT_REST or c.module not in alive]
