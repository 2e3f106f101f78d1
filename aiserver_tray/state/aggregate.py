"""From state to snapshot: the table "Health and colours" for services, modules and all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Container, ModuleModel, ModuleView, ServiceModel, Snapshot
from aiserver_tray.model import State as StateName
from aiserver_tray.spec.page import moved
from aiserver_tray.state.abilities import Condition, module_abilities
from aiserver_tray.state.details import memory_limit, running_since, version
from aiserver_tray.state.judge import ALIVE, Circumstances, Judgement, judge
from aiserver_tray.state.required import closure, required_now
from aiserver_tray.state.trouble import trouble

if TYPE_CHECKING:
    from aiserver_tray.state.reduce import State

Views = dict[str, tuple[object, ModuleView]]
"""Name of a module -> the input of its last view, and the view."""

_WORST_FIRST: tuple[StateName, ...] = (
    "engine_down", "error", "degraded", "stopping", "starting", "running", "stopped",
)  # fmt: skip


def snapshot(state: "State") -> Snapshot:
    """The snapshot of *state*.

    While the engine is down, the containers are unknown: every module is ``engine_down``, and
    orphans, which only their containers show, are missing.
    """
    modules = list(_modules(state))
    users = _users(modules)
    views = tuple(_remembered(state.views, m, users.get(m.name, ())) for m in modules)
    states: list[StateName] = [view.state for view in views]
    return Snapshot(
        engine=state.engine,
        state=_worst(states) if state.engine.running else "engine_down",
        modules=views,
        operations=state.operations,
        chosen=state.chosen,
        theme=state.theme,
        seq=state.seq,
    )


def _worst(states: Iterable[StateName]) -> StateName:
    return min(states, key=_WORST_FIRST.index, default="stopped")


@dataclass(frozen=True, slots=True)
class _Module:
    """A module with the whole input of its view, except for its users. ``containers``: by name.
    ``required``: all that it requires as it runs. ``wanted``: requested, or required by a requested
    module; ``planned``: the same for starts without steps yet. ``starting``, ``unplanned``: names
    of its containers that an operation will start, and that exited without an operation.
    ``stopped``: its services that the user stopped alone. ``spare``: memory that no limit covers,
    given only to those that ran out of it."""

    model: ModuleModel
    containers: Mapping[str, Container]
    required: frozenset[str]
    starting: frozenset[str]
    unplanned: frozenset[str]
    stopped: frozenset[str]
    has_engine: bool
    is_stopping: bool
    is_busy: bool
    is_outdated: bool
    wanted: bool = False
    planned: bool = False
    orphan: bool = False
    spare: int | None = None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def is_alive(self) -> bool:
        """Whether any of its containers has not exited."""
        return any(container.status in ALIVE for container in self.containers.values())

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


def _modules(state: "State") -> Iterator[_Module]:
    """In the catalog's order, orphans last."""
    requires = {model.name: model.requires for model in state.modules}
    wanted = closure(requires, state.desired)
    spare = _spare(state)
    planned = closure(requires, state.work.planned)
    now = required_now(state.modules, state.containers.values())
    containers: dict[str, dict[str, Container]] = {}
    for name, container in state.containers.items():
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


def _spare(state: "State") -> int | None:
    """The engine's memory minus the limits of the services that run."""
    if state.engine.memory is None:
        return None
    limits = {s.container: s.memory for model in state.modules for s in model.services}
    running = (name for name, c in state.containers.items() if c.status in ALIVE)
    return state.engine.memory - sum(limits.get(name) or 0 for name in running)


def _module(
    state: "State",
    model: ModuleModel,
    containers: Mapping[str, Container],
    required: frozenset[str],
    spare: int | None,
    **more: bool,
) -> _Module:
    names = containers.keys() | {service.container for service in model.services}
    return _Module(
        model,
        containers,
        required,
        starting=state.work.starting & names,
        unplanned=state.unplanned & names,
        stopped=frozenset(
            s.name
            for s in model.services
            if state.stopped and f"{model.name}/{s.name}" in state.stopped
        ),
        has_engine=state.engine.running,
        is_stopping=model.name in state.work.stopping,
        is_busy=state.work.has(model.name),
        is_outdated=model.name in state.outdated,
        spare=spare,
        **more,
    )


def _service_of(container: Container) -> ServiceModel:
    return ServiceModel(container.service, container.name, container.image)


def _users(modules: Iterable[_Module]) -> dict[str, list[str]]:
    """Module -> the features, wanted or running, that require it."""
    users: dict[str, list[str]] = {}
    for module in modules:
        if module.model.kind == "feature" and (module.wanted or module.is_alive):
            for required in module.required:
                users.setdefault(required, []).append(module.name)
    return users


def _remembered(views: Views, module: _Module, users: Sequence[str]) -> ModuleView:
    """Reuse the earlier view if the input is the same: most facts concern one of many modules, and
    a reader can tell by the object that a view is unchanged."""
    basis = module, tuple(users)
    known = views.get(module.name)
    if known is None or known[0] != basis:
        known = views[module.name] = basis, _view(*basis)
    return known[1]


def _view(module: _Module, users: tuple[str, ...]) -> ModuleView:
    model = module.model
    judged = _judged(module)
    counted = [j for j in judged if not (j.state == "stopped" and j.view.name in module.stopped)]
    current = _module_state(module, counted or judged)
    views = [judgement.view for judgement in judged]
    return ModuleView(
        name=model.name,
        kind=model.kind,
        state=current,
        ready=sum(judgement.is_ready for judgement in counted),
        total=len(counted),
        reason=model.problem or _reason(model.name, judged),
        orphan=module.orphan,
        wanted=module.wanted,
        used_by=users,
        open=_page(module),
        problem=model.problem,
        is_outdated=module.is_outdated,
        title=model.title,
        summary=model.summary,
        icon=model.icon,
        version=version(model.name, module.services, views),
        requires=model.requires,
        since=running_since(views),
        memory_limit=memory_limit(module.services),
        trouble=trouble(model, judged, module.containers, module.spare)
        if current in ("error", "degraded")
        else None,
        abilities=module_abilities(_condition(module, current, users)),
        services=(
            *views,
            *(
                judge(left, module.containers[left.container], _IDLE).view
                for left in module.left_over
            ),
        ),
    )


def _condition(module: _Module, current: StateName, users: tuple[str, ...]) -> Condition:
    return Condition(
        state=current,
        is_alive=module.is_alive,
        has_containers=bool(module.containers),
        is_wanted=module.wanted,
        is_busy=module.is_busy,
        is_orphan=module.orphan,
        has_page=bool(module.model.open),
        problem=module.model.problem,
        users=users,
    )


def _page(module: _Module) -> str | None:
    """The address of its page. While the module runs, this is where the page was published, even if
    the setting has changed since."""
    address, containers = module.model.open, module.containers.values()
    places = [c.page for c in containers if c.page and c.status in ALIVE]
    return moved(address, places[0]) if address and places else address


_IDLE = Circumstances(wanted=False, live=False, starting=False, unplanned=False)


def _judged(module: _Module) -> list[Judgement]:
    wanted = module.wanted and module.has_engine
    jobs = {service.container for service in module.services if service.is_job}
    live = any(c.status in ALIVE for name, c in module.containers.items() if name not in jobs)
    known = {service.name for service in module.services}
    gone = [c for c in module.containers.values() if c.service not in known]
    renewed = any(container.status in ALIVE for container in gone)
    awaited = _awaited(module) if jobs else frozenset()
    return [
        judge(
            service,
            module.containers.get(service.container),
            Circumstances(
                wanted=wanted and service.name not in module.stopped,
                live=live,
                starting=module.planned or service.container in module.starting,
                unplanned=service.container in module.unplanned,
                renewed=renewed,
                awaited=service.name in awaited,
            ),
        )
        for service in module.services
    ]


def _awaited(module: _Module) -> frozenset[str]:
    """Services that were not started, and their dependencies. An absent job counts only if it is
    still needed."""
    found = {service.name: module.containers.get(service.container) for service in module.services}
    begun = {name for name, one in found.items() if one and one.status != "created"}
    needs = {s.name: () if s.name in begun else s.depends_on for s in module.services}
    return closure(needs, (s.name for s in module.services if not s.is_job or found[s.name]))


def _module_state(module: _Module, judged: Iterable[Judgement]) -> StateName:
    if not module.has_engine:
        return "engine_down"
    if module.is_stopping:
        return "stopping"
    if module.model.problem and module.wanted and not module.is_alive:
        return "error"
    states = {judgement.state for judgement in judged}
    if "error" in states:
        runs = any(j.state == "running" and not j.view.is_job for j in judged)
        return "degraded" if runs else "error"
    if not states:  # a module whose profiles are all inactive
        return "running" if module.wanted else "stopped"
    return _worst(states)


def _reason(module: str, judged: Iterable[Judgement]) -> Text | None:
    """The reason of the first service in trouble, or else of one that waits. The service's name is
    added unless it is the module's name."""
    for judgement in sorted(judged, key=lambda judgement: judgement.state != "error"):
        view = judgement.view
        if view.reason:
            if view.name == module:
                return view.reason
            return Text("{name}: {why}", name=view.name, why=view.reason)
    return None
