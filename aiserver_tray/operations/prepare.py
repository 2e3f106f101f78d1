"""From a request to its plan: what it concerns, what is there, what stands against it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from aiserver_tray.engine.engine import Engine
from aiserver_tray.errors import (
    AiServerError,
    EngineDownError,
    ObjectNotFoundError,
    UnknownNameError,
    raise_all,
)
from aiserver_tray.i18n import Text
from aiserver_tray.model import Container, ModuleModel
from aiserver_tray.operations.down import (
    in_use,
    plan_down,
    plan_stop,
    running_modules,
    unused_basics,
    with_users,
)
from aiserver_tray.operations.kernel import Kernel
from aiserver_tray.operations.kernel_steps import with_kernel_settings
from aiserver_tray.operations.modules import Modules, with_requires
from aiserver_tray.operations.observed import Observed
from aiserver_tray.operations.plan import Plan
from aiserver_tray.operations.preflight import preflight
from aiserver_tray.operations.preflight_kernel import examine_kernel
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.survey import Survey, survey
from aiserver_tray.operations.up import (
    images_of,
    never_pulled,
    plan_images,
    plan_up,
    plan_without_waiting,
)
from aiserver_tray.settings.app_settings import APP_SETTINGS, STOP_UNUSED_BASICS
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import ContainerGone, ContainerSeen
from aiserver_tray.state.store import Store
from aiserver_tray.target.kernel import HELPER
from aiserver_tray.target.model import ImageTarget, ModuleTarget

_MEETING_SECONDS = 10.0
"""How long an engine that answers may take to tell of all its containers."""


@dataclass(frozen=True)
class Parts:
    """What operations work with. ``refresh`` lets the store's watcher look for the engine now."""

    engine: Engine
    store: Store
    settings: Settings
    modules: Modules
    refresh: Callable[[], None]
    kernel: Kernel


@dataclass(frozen=True)
class Scope:
    """The modules that a request concerns: ``modules`` themselves; ``locked`` are theirs and what
    they require; ``targets`` and ``models`` by name, as far as they are needed. ``ending``: those
    that were last being stopped, by one who died: what of them still runs may be about to end."""

    modules: tuple[str, ...]
    locked: tuple[str, ...]
    targets: Mapping[str, ModuleTarget] = field(default_factory=dict)
    models: Mapping[str, ModuleModel] = field(default_factory=dict)
    ending: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Prepared:
    """A plan, and what it was made from. ``notices``: what the user should know. ``lacks_helper``:
    not all could be looked at, since the engine lacks the image that does it."""

    plan: Plan
    scope: Scope
    observed: Observed
    notices: tuple[Text, ...] = ()
    lacks_helper: bool = False


def meet_engine(parts: Parts) -> None:
    """Let the store know an engine that is back: its watcher may sleep between two attempts.

    Raises:
        AiServerError: it is not back.
    """
    if parts.store.state.engine.running:
        return
    parts.engine.ping()
    parts.refresh()
    try:
        parts.store.wait_until(lambda snapshot: snapshot.engine.running, _MEETING_SECONDS)
    except TimeoutError:
        error = parts.store.state.engine.error
        raise error or EngineDownError(parts.engine.host, "no answer") from None


def scope_of(request: Request, parts: Parts) -> Scope:
    """What *request* concerns.

    Raises:
        AiServerError: a module can't be had, or running ones need one that is to stop.
    """
    return (
        _stop_scope(request, parts)
        if request.kind in ("stop", "down")
        else _up_scope(request, parts.modules)
    )


def look_again(parts: Parts) -> None:
    """Let the store know what another process's operation, which has just ended, has changed."""
    _ours(survey(parts.engine, parts.settings.installation_id), parts)
    parts.store.flush()


def prepare(request: Request, scope: Scope, parts: Parts) -> Prepared:
    """The plan of *request*. Nothing is changed by it.

    Raises:
        AiServerError: all that stands against it.
    """
    match request.kind:
        case "up" | "restart":
            return _prepare_up(request, scope, parts)
        case "pull" | "build":
            targets = [scope.targets[name] for name in scope.modules]
            return Prepared(plan_images(targets, request.kind), scope, Observed())
        case "stop":
            found = survey(parts.engine, parts.settings.installation_id)
            containers = _ours(found, parts)
            plan = plan_stop(scope.modules, scope.models, containers.values())
            return Prepared(plan, scope, Observed(containers))
        case _:
            return _prepare_down(request, scope, parts)


# -- up ----------------------------------------------------------------------------------------


def _up_scope(request: Request, modules: Modules) -> Scope:
    names = request.modules or (modules.names if request.all else modules.chosen)
    targets = {target.name: target for target in with_requires(names, modules.target)}
    if request.kind in ("pull", "build") and not request.modules:
        names = tuple(targets)
    return Scope(tuple(dict.fromkeys(names)), tuple(targets), targets)


def _prepare_up(request: Request, scope: Scope, parts: Parts) -> Prepared:
    targets = list(scope.targets.values())
    found = survey(parts.engine, parts.settings.installation_id)
    observed = Observed(
        containers=_ours(found, parts),
        images=_images(images_of(targets), parts.engine),
        networks={name: network.id for name, network in found.networks.items()},
        volumes={name: volume.created_at for name, volume in found.volumes.items()},
        learnt=parts.settings.engine(parts.engine.info().id).learnt,
    )
    restarted = scope.modules if request.kind == "restart" else ()
    plan = plan_up(targets, observed, restarted=scope.ending.union(restarted))
    report = preflight(targets, found, parts.engine)
    starting = {step.module for step in plan if step.kind == "start"}
    kernel = examine_kernel(targets, starting, parts.kernel)
    raise_all([*report.errors, *kernel.errors, *never_pulled(targets, observed)])
    if kernel.mends:
        plan = with_kernel_settings(plan, kernel.mends, _images([HELPER], parts.engine))
    if request.detach:
        plan = plan_without_waiting(plan)
    notices = (*report.notices, *kernel.notices)
    return Prepared(plan, scope, observed, notices, kernel.lacks_helper)


def _images(images: Iterable[ImageTarget], engine: Engine) -> dict[str, str]:
    """Those of *images* that are there, their ids by name."""
    names = {name for image in images for name in (image.name, image.local) if name}
    found = ((name, engine.images.find(name)) for name in sorted(names))
    return {name: image.id for name, image in found if image}


def _ours(found: Survey, parts: Parts) -> dict[str, Container]:
    """Our containers by name. The store may lag behind another process's operation that has just
    ended, so one that the list shows otherwise is looked at again."""
    known = dict(parts.store.state.containers)
    listed = {summary.name: summary for summary in found.ours}
    for name in known.keys() - listed.keys():
        parts.store.put(ContainerGone(known.pop(name).id))
    for name, summary in listed.items():
        container = known.get(name)
        if container is None or (container.id, container.status, container.health) != (
            summary.id,
            summary.status,
            summary.health,
        ):
            try:
                known[name] = parts.engine.containers.inspect(summary.id)
            except ObjectNotFoundError:
                known.pop(name, None)
                continue
            parts.store.put(ContainerSeen(known[name]))
    return known


# -- stop and down -----------------------------------------------------------------------------


def _stop_scope(request: Request, parts: Parts) -> Scope:
    containers = parts.store.state.containers.values()
    names = _named(request, parts)
    concerned = {container.module for container in containers}.union(names, _desired(parts))
    models = {name: parts.modules.model(name) for name in parts.modules.names if name in concerned}
    running = running_modules(containers)
    if request.modules:
        if request.cascade:
            names = with_users(names, models, running)
        raise_all(in_use(names, models, running))
        names += _unused(names, models, running, parts)
    required = (required for name in names if name in models for required in models[name].requires)
    locked = tuple(dict.fromkeys((*names, *required)))
    return Scope(tuple(names), locked, _with_hooks(names, models, parts.modules), models)


def _named(request: Request, parts: Parts) -> list[str]:
    """The modules that *request* names, or all of which there is something to end.

    Raises:
        UnknownNameError: there is nothing of this name, neither in the catalog nor on the engine.
    """
    known = parts.modules.names
    if request.modules and all(name in known for name in request.modules):
        return list(dict.fromkeys(request.modules))
    there = _there(request, parts)
    for name in request.modules:
        if name not in known and name not in there:
            raise UnknownNameError(name, list(dict.fromkeys((*known, *there))))
    return list(dict.fromkeys(request.modules or there))


def _there(request: Request, parts: Parts) -> list[str]:
    """Modules that run, are wanted, or have left something that *request* removes."""
    there = {container.module for container in parts.store.state.containers.values()}
    there |= {*_desired(parts)}
    if request.kind == "down":
        found = survey(parts.engine, parts.settings.installation_id)
        volumes = [volume for volume in found.our_volumes if volume.name in request.volumes]
        there |= {one.module for one in (*found.our_networks, *volumes) if one.module}
    return sorted(there)


def _with_hooks(
    names: Iterable[str], models: Mapping[str, ModuleModel], modules: Modules
) -> dict[str, ModuleTarget]:
    """The targets of those of *names* that have commands to run before a stop. What can't be had
    is stopped without."""
    found = {}
    for name in names:
        if name in models and any(service.has_pre_stop for service in models[name].services):
            with suppress(AiServerError):
                found[name] = modules.target(name)
    return found


def _unused(
    names: list[str], models: Mapping[str, ModuleModel], running: Iterable[str], parts: Parts
) -> list[str]:
    setting = {STOP_UNUSED_BASICS: APP_SETTINGS[STOP_UNUSED_BASICS]}
    if parts.settings.values(setting)[STOP_UNUSED_BASICS] != "true":
        return []
    return unused_basics(names, models, set(running), _desired(parts))


def _desired(parts: Parts) -> list[str]:
    return parts.settings.engine(parts.engine.info().id).desired


def _prepare_down(request: Request, scope: Scope, parts: Parts) -> Prepared:
    found = survey(parts.engine, parts.settings.installation_id)
    containers = _ours(found, parts)
    stays = {c.module for c in containers.values()} - set(scope.modules)
    networks = {
        network.name: module
        for network in found.our_networks
        # The one that all share has no module.
        if (module := network.module or "") in scope.modules or not (module or stays)
    }
    volumes = _volumes(request, scope, found)
    plan = plan_down(scope.modules, scope.models, containers.values(), networks, volumes)
    return Prepared(plan, scope, Observed(containers))


def _volumes(request: Request, scope: Scope, found: Survey) -> dict[str, str]:
    """What goes with `down`: volumes of configuration files, and, only where the user asked for
    it, those with data."""
    return {
        volume.name: volume.module or ""
        for volume in found.our_volumes
        if volume.is_config or volume.name in request.volumes
        if volume.module in scope.modules
    }
