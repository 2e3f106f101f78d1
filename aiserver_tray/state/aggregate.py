"""From state to snapshot: the table "Health and colours" for services, modules and all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from aiserver_tray.base.errors.remedies import Remedy, restart_of, start
from aiserver_tray.base.i18n import Listed, LocalText, Text
from aiserver_tray.base.strings import image_tag
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.model import State as StateName
from aiserver_tray.spec.page import moved, page_at, published_place
from aiserver_tray.state.abilities import (
    Condition,
    module_abilities,
    stack_abilities,
    without_required,
)
from aiserver_tray.state.inputs import ModuleInput, module_inputs
from aiserver_tray.state.judge import ALIVE, Circumstances, Judgement, judge, next_step, trouble
from aiserver_tray.state.progress import COMING_BACK, RECONNECTING, RESTARTING, sentence
from aiserver_tray.state.state import StateFields, closure
from aiserver_tray.state.views import ModuleView, PortView, ServiceView, Snapshot, Trouble

Views = dict[tuple[str, str], tuple[object, ModuleView]]
"""Name of a module and kind of view -> the input of its last view of this kind, and the view."""


class Feature(NamedTuple):
    """A feature that requires a module. ``is_used``: it is wanted or runs."""

    name: str
    is_used: bool


_WORST_FIRST: tuple[StateName, ...] = (
    "engine_down", "error", "degraded", "stopping", "starting", "running", "stopped",
)  # fmt: skip

_MISSING: Final = ("error", "stopped", "starting")
"""States of a required module in which the modules that require it can't work."""
_AFFECTED: Final = ("running", "degraded", "error")
"""States of a module that a missing required module explains or changes."""


class _Lack(NamedTuple):
    """A required module that does not run."""

    name: str
    title: LocalText
    state: StateName
    has_run: bool
    """it stopped or failed, and not its start"""


def snapshot(state: StateFields, known: Views) -> Snapshot:
    """The snapshot of *state*; the views of its modules are added to *known*.

    While the engine is down, the containers are unknown: every module is ``engine_down``, and
    orphans, which only their containers show, are missing.
    """
    modules = list(module_inputs(state))
    needed = _features_by_requirement(modules)
    alone = [_view_alone(known, m, needed.get(m.name, ())) for m in modules]
    lacking = _lacks(modules, alone)
    views = tuple(_view_among(known, view, lacking[view.name]) for view in alone)
    states: list[StateName] = [_own_state(view, lacking[view.name]) for view in views]
    current = _worst(states) if state.engine.running else "engine_down"
    begun = {view.word for view in views if view.state == "starting"}
    word = RECONNECTING if state.engine.reconnecting else None
    return Snapshot(
        engine=state.engine,
        state=current,
        word=_word_of_all(begun) if current == "starting" else word,
        sentence=sentence(views),
        modules=views,
        operations=state.operations,
        abilities=stack_abilities(state.engine, views, state.operations, state.chosen),
        chosen=state.chosen,
        theme=state.theme,
        seq=state.seq,
    )


def _worst(states: Iterable[StateName]) -> StateName:
    return min(states, key=_WORST_FIRST.index, default="stopped")


def _word_of_all(words: set[Text | None]) -> Text | None:
    """What the start of everything is, by the *words* of the modules that start."""
    if COMING_BACK in words:
        return COMING_BACK
    return RESTARTING if words == {RESTARTING} else None


def _features_by_requirement(modules: Iterable[ModuleInput]) -> dict[str, list[Feature]]:
    """Module -> the features that require it."""
    found: dict[str, list[Feature]] = {}
    for module in modules:
        if module.model.kind == "feature":
            feature = Feature(module.name, is_used=module.wanted or module.is_alive)
            for required in module.required:
                found.setdefault(required, []).append(feature)
    return found


def _own_state(view: ModuleView, lacking: Sequence[_Lack]) -> StateName:
    """The share of *view* in the state of everything: while the modules that it needs come back,
    nothing has failed."""
    return "starting" if view.needs and _is_awaited(lacking) else view.state


def _view_alone(views: Views, module: ModuleInput, features: Sequence[Feature]) -> ModuleView:
    """The view of *module* without regard to the modules that it requires."""
    inputs = module, tuple(features)
    return _cached(views, (module.name, "alone"), inputs, lambda: _view(*inputs))


def _view_among(views: Views, alone: ModuleView, lacking: tuple[_Lack, ...]) -> ModuleView:
    inputs = alone, lacking
    return _cached(views, (alone.name, "among others"), inputs, lambda: _with_lacks(*inputs))


def _cached(
    views: Views, key: tuple[str, str], inputs: object, make: Callable[[], ModuleView]
) -> ModuleView:
    """The earlier view if the input is the same. Most facts concern one of many modules, and a
    reader recognises an unchanged view by its object."""
    known = views.get(key)
    if known is None or known[0] != inputs:
        known = views[key] = inputs, make()
    return known[1]


def _view(module: ModuleInput, features: tuple[Feature, ...]) -> ModuleView:
    model, users = module.model, tuple(each.name for each in features if each.is_used)
    judged = _judged(module)
    counted = [j for j in judged if not (j.state == "stopped" and j.view.name in module.stopped)]
    current = _module_state(module, counted or judged)
    last = module.last_states
    views = [replace(j.view, last_state=last.get(j.view.container)) for j in judged]
    left_over = [judge(s, module.containers[s.container], _IDLE).view for s in module.left_over]
    services, is_bad = (*views, *left_over), current in ("error", "degraded")
    named = _page(module)
    ports = tuple(_ports(module, services, named))
    page = named or _best_page(model, ports)
    found = None
    if is_bad:
        found = trouble(model, judged, module.containers, module.failure, module.spare)
    return ModuleView(
        name=model.name,
        kind=model.kind,
        state=current,
        word=_word(module, views) if current == "starting" else None,
        ready=sum(judgement.is_ready for judgement in counted),
        total=len(counted),
        reason=model.problem or _reason(model.name, judged, found),
        orphan=module.orphan,
        wanted=module.wanted,
        used_by=users,
        needed_by=tuple(each.name for each in features),
        open=page,
        problem=model.problem,
        is_outdated=module.is_outdated,
        title=model.title,
        summary=model.summary,
        icon=model.icon,
        version=version(model.name, module.services, views),
        requires=model.requires,
        since=running_since(views),
        memory_limit=memory_limit(module.services),
        trouble=found,
        remedy=next_step(found),
        abilities=module_abilities(_condition(module, current, users, page)),
        ports=ports,
        services=services,
    )


def _word(module: ModuleInput, services: Iterable[ServiceView]) -> Text | None:
    """What the start of *module* is, if it is none from rest."""
    if module.is_restarting:
        return RESTARTING
    is_back = module.is_reviving or any(service.is_coming_back for service in services)
    return COMING_BACK if is_back else None


def _ports(
    module: ModuleInput, services: Iterable[ServiceView], page: str | None
) -> Iterator[PortView]:
    """The published ports of *services*. *page*: the address of the page that its file names."""
    for service in services:
        container = module.containers.get(service.container)
        for port in filter(None, map(module.here, container.ports if container else ())):
            is_web = (service.name, port.container) in module.model.pages and port.protocol == "tcp"
            found = page_at(port) if is_web else None
            opened = page if published_place(page, {str(port.host)}) else found
            numbers = port.address, port.host, port.container, port.protocol
            yield PortView(service.name, *numbers, opened)


def _best_page(model: ModuleModel, ports: Iterable[PortView]) -> str | None:
    """The address of the page of *model* by its published *ports*."""
    found = {(port.service, port.container): port.open for port in ports if port.open}
    return next((found[page] for page in model.pages if page in found), None)


def _condition(
    module: ModuleInput, current: StateName, users: tuple[str, ...], page: str | None
) -> Condition:
    return Condition(
        state=current,
        is_alive=module.is_alive,
        has_containers=bool(module.containers),
        is_wanted=module.wanted,
        is_busy=module.is_busy,
        is_orphan=module.orphan,
        has_page=bool(module.model.open or module.model.pages),
        is_published=page is not None,
        is_elsewhere=module.forwarded is not None,
        problem=module.model.problem,
        users=users,
    )


def _page(module: ModuleInput) -> str | None:
    """The address of its page. While the module runs, this is where the page was published, even if
    the setting has changed since; of an engine elsewhere, where it is forwarded."""
    address, alive = module.model.open, [c for c in module.containers.values() if c.status in ALIVE]
    places = [container.page for container in alive if container.page]
    if address and places:
        address = moved(address, places[0])
    if address is None or module.forwarded is None:
        return address
    ports = [port for c in alive for port in c.ports if published_place(address, {str(port.host)})]
    here = next(filter(None, map(module.here, ports)), None)
    return moved(address, f"localhost:{here.host}") if here else None


_IDLE = Circumstances(wanted=False, live=False, starting=False, ending=False, unplanned=False)


def _judged(module: ModuleInput) -> list[Judgement]:
    wanted = module.wanted and module.has_engine
    jobs = {service.container for service in module.services if service.is_job}
    live = any(c.status in ALIVE for name, c in module.containers.items() if name not in jobs)
    known = {service.name for service in module.services}
    removed = [c for c in module.containers.values() if c.service not in known]
    has_removed_services = any(container.status in ALIVE for container in removed)
    awaited = _awaited(module) if jobs else frozenset()
    return [
        judge(
            service,
            module.containers.get(service.container),
            Circumstances(
                wanted=wanted and service.name not in module.stopped,
                live=live,
                starting=module.planned or service.container in module.starting,
                ending=service.container in module.ending,
                unplanned=service.container in module.unplanned,
                tries=module.tries.get(service.container, 0),
                has_removed_services=has_removed_services,
                awaited=service.name in awaited,
            ),
        )
        for service in module.services
    ]


def _awaited(module: ModuleInput) -> frozenset[str]:
    """Services that were not started, and their dependencies. An absent job counts only if it is
    still needed."""
    found = {service.name: module.containers.get(service.container) for service in module.services}
    started = {name for name, one in found.items() if one and one.status != "created"}
    needs = {s.name: () if s.name in started else s.depends_on for s in module.services}
    return closure(needs, (s.name for s in module.services if not s.is_job or found[s.name]))


def _module_state(module: ModuleInput, judged: Iterable[Judgement]) -> StateName:
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
    if module.failure and states <= {"stopped"}:
        return "error"
    # Without states, all profiles of the module are inactive.
    return _worst(states or {"running" if module.wanted else "stopped"})


def _reason(module: str, judged: Iterable[Judgement], found: Trouble | None) -> Text | None:
    """The reason of a failed start, else of the first service in trouble, or else of one that
    waits. The service's name is added unless it is the module's name."""
    if found and found.kind == "start":
        return found.reason
    for judgement in sorted(judged, key=lambda judgement: judgement.state != "error"):
        name, why = judgement.view.name, judgement.view.reason
        if why:
            return why if name == module else Text("{name}: {why}", name=name, why=why)
    return None


def version(
    module: str, services: Sequence[ServiceModel], views: Iterable[ServiceView]
) -> str | None:
    """The tag of the image of *module*'s main service, as its container has it."""
    if not services:
        return None
    main = main_service(module, services)
    shown = (view.image for view in views if view.name == main.name)
    return next(filter(None, map(image_tag, (*shown, main.image))), None)


def main_service(module: str, services: Iterable[ServiceModel]) -> ServiceModel:
    """The main one of *module*'s *services*: the declared one, else the one with the module's name,
    else the first that is no job."""
    return min(services, key=lambda s: (not s.is_main, s.name != module, s.is_job))


def memory_limit(services: Iterable[ServiceModel]) -> int | None:
    """The sum of the limits of *services* that keep running; None if one has no limit."""
    limits = [service.memory for service in services if not service.is_job]
    known = [limit for limit in limits if limit is not None]
    return sum(known) if known and len(known) == len(limits) else None


def running_since(views: Iterable[ServiceView]) -> datetime | None:
    """Since when everything of it that runs has been running."""
    return max((v.started_at for v in views if v.state == "running" and v.started_at), default=None)


def _lacks(
    modules: Iterable[ModuleInput], views: Iterable[ModuleView]
) -> dict[str, tuple[_Lack, ...]]:
    """Module -> the modules that it requires, directly or not, and that do not run. Those that the
    others of them require come first. *views*: of all modules, each without regard to the others.
    """
    known = list(modules)
    order = {module.name: (len(module.required), module.name) for module in known}
    missing = {
        view.name: _Lack(
            view.name,
            view.title or {"en": view.name},
            view.state,
            has_run=view.state == "error" and not (view.trouble and view.trouble.kind == "start"),
        )
        for view in views
        if view.state in _MISSING
    }

    def of(module: ModuleInput) -> tuple[_Lack, ...]:
        required = frozenset[str]() if module.has_failed_alone else module.required
        names = required & missing.keys() - {module.name}
        return tuple(missing[name] for name in sorted(names, key=order.__getitem__))

    return {module.name: of(module) for module in known}


def _is_awaited(lacking: Sequence[_Lack]) -> bool:
    """Whether all of *lacking* are starting."""
    return all(one.state == "starting" for one in lacking)


def _with_lacks(view: ModuleView, lacking: tuple[_Lack, ...]) -> ModuleView:
    """*view* of a module that lacks required modules. Its own trouble is hidden: it is probably a
    consequence, and shows again when the others run and it is still there."""
    if not lacking or view.state not in _AFFECTED or view.problem:
        return view
    names = Listed(one.title for one in lacking)
    word = Text("needs {names}", names=names)
    if _is_awaited(lacking):
        word = Text("waits for {names}", names=names)
    return replace(
        view,
        state="degraded",
        word=word,
        reason=word,
        needs=tuple(one.name for one in lacking),
        remedy=_remedy(lacking),
        trouble=None,
        abilities=without_required(view.abilities, word),
    )


def _remedy(lacking: Sequence[_Lack]) -> Remedy | None:
    """Bring back the first one that does not come back by itself."""
    down = next((one for one in lacking if one.state != "starting"), None)
    if down is None:
        return None
    if down.has_run:
        return restart_of(down.name, down.title)
    return start(down.name, down.title)
