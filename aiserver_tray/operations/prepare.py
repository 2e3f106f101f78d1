"""From a request and its scope to a plan: collect what exists, check for conflicts, plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aiserver_tray.base.errors import (
    AiServerError,
    ObjectNotFoundError,
    RestoreError,
    raise_all,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.model import Container
from aiserver_tray.operations.first_values import reset_notices
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.down import held, network_stays, plan_down, plan_stop
from aiserver_tray.operations.plan.plan import Plan, Services
from aiserver_tray.operations.plan.up import (
    images_of,
    never_pulled,
    plan_images,
    plan_refresh,
    plan_up,
    plan_without_waiting,
    with_kernel_settings,
)
from aiserver_tray.operations.preflight.kernel import examine_kernel
from aiserver_tray.operations.preflight.preflight import preflight, untrusted
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope, without_blocked
from aiserver_tray.operations.survey import Found, Survey, survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.model import ImageTarget, ModuleTarget, NetworkTarget, VolumeTarget
from aiserver_tray.state.facts import ContainerGone, ContainerSeen


@dataclass(frozen=True)
class Prepared:
    """A plan and its inputs."""

    plan: Plan
    scope: Scope
    observed: Observed
    notices: tuple[Text, ...] = ()
    """For the user."""
    lacks_helper: bool = False
    """Some checks were not possible, because the engine lacks the image for them."""
    blockers: tuple[AiServerError, ...] = ()
    """Errors of the modules that an automatic restart leaves out."""


def prepare(request: Request, scope: Scope, parts: Parts) -> Prepared:
    """Plan *request*. Changes nothing.

    Raises:
        AiServerError: all blockers; for an automatic restart only those of every module.
    """
    prepared = _prepared(request, scope, parts)
    prepared = replace(prepared, notices=(*scope.notices, *prepared.notices))
    if request.revives:  # the operation reports these itself
        return prepared
    left_out = (error.text for error in scope.lacking.values())
    return replace(prepared, notices=(*left_out, *prepared.notices))


def _prepared(request: Request, scope: Scope, parts: Parts) -> Prepared:
    match request.kind:
        case "up" | "restart":
            return _prepare_up(request, scope, parts)
        case "pull" | "build":
            targets = [scope.targets[name] for name in scope.modules]
            # A build runs commands with files of this machine, also for an image that can't be
            # pulled.
            raise_all(untrusted(targets))
            return Prepared(plan_images(targets, request.kind), scope, Observed())
        case "stop":
            found = survey(parts.engine, parts.settings.installation_id)
            containers = _ours(found, parts)
            services = _services(request)
            plan = plan_stop(scope.modules, scope.models, containers.values(), services=services)
            return Prepared(plan, scope, Observed(containers))
        case _:
            return _prepare_down(request, scope, parts)


def refresh_of(request: Request, scope: Scope) -> Plan:
    """The first steps of the operation of *request* on *scope*. After them, it is prepared
    again."""
    is_whole = request.kind == "up" and not request.services
    return plan_refresh(scope.targets.values()) if is_whole else Plan()


def _prepare_up(request: Request, scope: Scope, parts: Parts) -> Prepared:
    found = survey(parts.engine, parts.settings.installation_id)
    observed = _observed(scope, found, parts)

    def examined(part: Scope) -> tuple[Prepared, list[AiServerError]]:
        return _examined(request, part, found, observed, parts)

    prepared, errors = examined(scope)
    if errors and request.revives:
        rest, _ = examined(without_blocked(scope, lambda part: examined(part)[1]))
        return replace(rest, blockers=tuple(errors))
    raise_all(errors)
    return prepared


def _services(request: Request) -> Services:
    return frozenset((name, service) for name in request.modules for service in request.services)


def _observed(scope: Scope, found: Survey, parts: Parts) -> Observed:
    return Observed(
        containers=_ours(found, parts),
        images=_images(images_of(scope.targets.values()), parts.engine),
        networks={name: network.id for name, network in found.networks.items()},
        volumes={name: volume.created_at for name, volume in found.volumes.items()},
        learnt=parts.settings.engines.state(parts.engine.info().id).learnt,
    )


def _examined(
    request: Request, scope: Scope, found: Survey, observed: Observed, parts: Parts
) -> tuple[Prepared, list[AiServerError]]:
    """The plan for *scope*, and all errors that block it."""
    targets = list(scope.targets.values())
    restarted = scope.modules if request.kind == "restart" else ()
    plan = plan_up(
        targets,
        observed,
        restarted=scope.ending.union(restarted),
        recreated=frozenset(scope.modules if request.recreate else ()),
        services=_services(request),
    )
    report = preflight(targets, found, parts.engine)
    starting = {step.module for step in plan if step.kind == "start"}
    kernel = examine_kernel(targets, starting, parts.kernel)
    if kernel.fixes:
        plan = with_kernel_settings(plan, kernel.fixes, _images([HELPER], parts.engine))
    if request.detach:
        plan = plan_without_waiting(plan)
    notices = (*report.notices, *changed_notices(targets, found), *kernel.notices)
    errors = _half_restored(request, targets, parts)
    errors += [*report.errors, *kernel.errors, *never_pulled(targets, observed)]
    errors += [e for a, e in scope.unusable.items() if a.partition(".")[0] in scope.targets]
    return Prepared(plan, scope, observed, notices, kernel.lacks_helper), errors


def _half_restored(
    request: Request, targets: Iterable[ModuleTarget], parts: Parts
) -> list[AiServerError]:
    """Errors for *targets* whose data must not be used as it is."""
    if request.restores:
        return []
    half = parts.settings.half_restored(parts.engine.info().id)
    return [_is_half_restored(target.name) for target in targets if target.name in half]


def _is_half_restored(module: str) -> RestoreError:
    text = Text(
        "A restore or upgrade of {module} was interrupted, so only a part of its data is in its "
        "place. AI-Server Tray puts everything back when it starts the next time. If it can't, its "
        "page Backups says what to do, and so does: aiserver-tray backup list",
        module=module,
    )
    return RestoreError(text, module=module)


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
    users = held(networks, _staying(scope, found))
    stays_there = [network_stays(name, networks.pop(name), users[name]) for name in sorted(users)]
    data = {name: module for name, module in volumes.items() if request.may_remove(name)}
    notices = (*stays_there, *reset_notices(data, parts))
    plan = plan_down(scope.modules, scope.models, containers.values(), networks, volumes)
    return Prepared(plan, scope, Observed(containers), notices)


def _staying(scope: Scope, found: Survey) -> list[ContainerSummary]:
    """The containers that `down` of *scope* leaves, ours or not."""
    return [
        container
        for container in found.containers
        if not found.is_ours(container) or container.labels.get(labels.MODULE) not in scope.modules
    ]


def _volumes(request: Request, scope: Scope, found: Survey) -> dict[str, str]:
    """The volumes that `down` removes: those of configuration files, and data volumes only if the
    user asked for it. Data of basic modules that stop because no module needs them any more is
    kept."""
    named = {*scope.modules} - scope.unused
    return {
        volume.name: volume.module or ""
        for volume in found.our_volumes
        if volume.module in (scope.modules if volume.is_config else named)
        if volume.is_config or request.may_remove(volume.name)
    }


def refresh_containers(parts: Parts) -> None:
    """Update the store with the changes of another process's operation that has just ended."""
    _ours(survey(parts.engine, parts.settings.installation_id), parts)
    parts.store.flush()


def _ours(found: Survey, parts: Parts) -> dict[str, Container]:
    """Our containers by name. The store may be behind another process's operation that has just
    ended, so containers that the list shows differently are inspected again."""
    known = dict(parts.store.state.containers)
    listed = {summary.name: summary for summary in found.ours}
    for name in known.keys() - listed.keys():
        # The changes of other operations since the list are only in the store.
        if known[name].asked_at <= found.asked_at:
            parts.store.put(ContainerGone(known.pop(name).id))
    for name, summary in listed.items():
        container = known.get(name)
        now = (summary.id, summary.status, summary.health)
        if container is None or (container.id, container.status, container.health) != now:
            try:
                known[name] = parts.engine.containers.inspect(summary.id)
            except ObjectNotFoundError:
                known.pop(name, None)
                continue
            parts.store.put(ContainerSeen(known[name]))
    return known


def _images(images: Iterable[ImageTarget], engine: Engine) -> dict[str, str]:
    """IDs of the existing ones of *images*, by name, also of those with a former name."""
    wanted: dict[str, Mapping[str, str]] = {}
    for image in images:
        wanted |= image.candidates | ({image.build.former_tag: {}} if image.build else {})
    names = sorted(wanted)
    found = engine.each(lambda name: engine.images.find(name, wanted[name]), names)
    return {name: image.id for name, image in zip(names, found, strict=True) if image}


def changed_notices(targets: Iterable[ModuleTarget], survey: Survey) -> list[Text]:
    """Notices about definitions of *targets* that have no effect. The engine can't change networks
    and volumes, and `up` does not recreate them: foreign containers may use the network, and the
    volume holds data."""
    return [
        notice
        for target in targets
        for notice in (
            *(_network(n, target) for n in target.networks if _differs(n, survey.networks, survey)),
            *(_volume(v, target) for v in target.volumes if _differs(v, survey.volumes, survey)),
        )
    ]


def _differs(new: NetworkTarget | VolumeTarget, there: Mapping[str, Found], survey: Survey) -> bool:
    """Whether *new* differs from the existing object. Unknown without the label, as an earlier
    version created it."""
    found = there.get(new.name)
    if new.external or found is None or not survey.is_ours(found):
        return False
    now = new.body["Labels"][labels.CONFIG_HASH]
    return bool(found.labels.get(labels.CONFIG_HASH, now) != now)


def _network(network: NetworkTarget, target: ModuleTarget) -> Text:
    return Text(
        "The definition of the network {name} has changed, but the existing network is kept. To "
        "apply the change, run: aiserver-tray down {module}, then: aiserver-tray up {module}",
        name=network.name,
        module=target.name,
    )


def _volume(volume: VolumeTarget, target: ModuleTarget) -> Text:
    return Text(
        "The definition of the volume {name} has changed, but the existing volume is kept, "
        "because it holds data. If you don't need the data of {module}, delete it: aiserver-tray "
        "down {module} --volumes, then: aiserver-tray up {module}",
        name=volume.name,
        module=target.name,
    )
