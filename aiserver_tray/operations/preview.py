"""What a request would do: its plan, and the effects of changed settings on modules."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from aiserver_tray.base.codec import sent_as
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Listed, LocalText, Text, in_language
from aiserver_tray.base.strings import binary_size
from aiserver_tray.model import Container, ModuleModel
from aiserver_tray.operations.modules import with_requires
from aiserver_tray.operations.plan.plan import Plan, Step, step_id
from aiserver_tray.operations.plan.up import plan_helper
from aiserver_tray.operations.prepare import Prepared, refresh_of
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.names import BIND, CA_CERTIFICATES
from aiserver_tray.spec.model import ModuleTarget, ServiceTarget

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog
    from aiserver_tray.catalog.modules import Module


@dataclass(frozen=True)
class Preview:
    """The steps of all stages of an operation, and the notices for the user."""

    plan: Plan
    notices: tuple[Text, ...] = ()


def preview(request: Request, prepared: Prepared) -> Preview:
    """The plan of *prepared*, which follows the first steps of the operation of *request*. The
    operation plans again after these, so the final plan may differ."""
    helper = plan_helper() if prepared.lacks_helper else Plan()
    refresh = refresh_of(request, prepared.scope)
    first = _remaining(refresh, Plan(), helper)
    steps = [*helper, *first, *_remaining(prepared.plan, refresh, helper)]
    return Preview(Plan.of(steps), (*prepared.notices, *_recreated_if_changed(prepared, refresh)))


def _remaining(plan: Plan, needed: Plan, before: Plan) -> Iterator[Step]:
    """The steps of *plan* that remain once those *needed* are done and those *before* have
    finished."""
    needs, after = ({step.id for step in stage} for stage in (needed, before))
    for step in plan:
        if step.id not in needs | after:
            yield replace(step, needs=step.needs | needs, after=step.after | after)


def _recreated_if_changed(prepared: Prepared, refresh: Plan) -> Iterator[Text]:
    """The containers that are kept, unless *refresh* brings another image."""
    images = {step.subject for step in refresh}
    made = {step.id for step in prepared.plan if step.kind == "create"}
    found = [
        service.address
        for target in prepared.scope.targets.values()
        for service in target.services
        if service.container in prepared.observed.containers
        if step_id("create", service.container) not in made
        if not images.isdisjoint(service.image.candidates)
    ]
    if found:
        yield Text(
            "The container of {services} is recreated only if its image changes.",
            services=Listed(found),
        )


def is_affected(catalog: "Catalog", name: str, addresses: Collection[str]) -> bool:
    """Whether containers of the module *name* may depend on one of the settings *addresses*."""
    module = catalog.modules.get(name)
    if module is None:
        return False
    used = {BIND, CA_CERTIFICATES, *_used(catalog, module)}
    return any(a in used or a.startswith(f"{name}.") for a in addresses)


def modules_to_recreate(
    catalog: "Catalog",
    model: Callable[[str], ModuleModel],
    asked_for: Iterable[str],
    addresses: Collection[str],
) -> list[str]:
    """The modules that ``up`` must name to recreate all containers that depend on the settings
    *addresses*: those of *asked_for*, and no more than needed."""
    affected = partial(is_affected, catalog, addresses=addresses)
    named: list[str] = []
    recreated: set[str] = set()
    known = [name for name in asked_for if name in catalog.modules]
    # Affected modules come first, before modules that only require them.
    for name in sorted(known, key=lambda name: not affected(name)):
        with suppress(AiServerError):  # its next `up` reports the problem
            started = {module.name for module in with_requires([name], model)}
            concerned = set(filter(affected, started))
            if not concerned <= recreated:
                named.append(name)
                recreated |= concerned
    return named


def _used(catalog: "Catalog", module: "Module") -> set[str]:
    """The addresses of the settings that the file of *module* uses."""
    with suppress(AiServerError):
        scope = catalog.scope(module)
        return {scope[name] for name in module.variables if name in scope}
    return set()


EffectKind = Literal["recreate", "create", "start", "remove"]

_MAX_NAMES = 3
"""Variables or files that a reason names."""


@dataclass(frozen=True)
class ServiceEffect:
    """The effect on a service."""

    service: str
    kind: EffectKind
    is_job: bool
    """it runs once"""
    reasons: tuple[Text, ...] = ()
    """why it is recreated"""
    seconds: float | None = None
    """until it was ready in earlier starts; `null` if unknown"""


@dataclass(frozen=True)
class ModuleEffects:
    """The effects on a module."""

    name: str
    title: LocalText = field(
        metadata=sent_as(lambda module, lang: in_language(module.title, lang) or module.name)
    )
    is_interrupted: bool
    """services that run now are recreated or removed"""
    seconds: float | None
    """estimated time until all of it is ready again, without pulls; `null` if unknown"""
    kept: int
    """the number of services that keep running"""
    page: str | None
    """the new address of its page, if that changes"""
    services: tuple[ServiceEffect, ...]


@dataclass(frozen=True)
class Effects:
    """The effects of changed settings. Without modules, nothing that runs now is affected."""

    modules: tuple[ModuleEffects, ...] = ()
    pulls: tuple[str, ...] = ()
    """the images that are pulled or built first"""
    notices: tuple[Text, ...] = ()
    """notes for the user that are no failures"""


def effects(planned: Preview, prepared: Prepared, now: Iterable[ModuleTarget]) -> Effects:
    """The effects of the plan *planned* for *prepared*. *now*: the modules with their settings
    before the change."""
    before = {target.name: target for target in now}
    pulls = tuple(step.subject for step in planned.plan if step.kind in ("pull", "build"))
    rest = Plan.of(step for step in planned.plan if step.kind not in ("pull", "build"))
    targets = prepared.scope.targets.items()
    found = (
        _Module(target, before.get(name), prepared, rest).effects() for name, target in targets
    )
    return Effects(tuple(one for one in found if one.services), pulls, planned.notices)


class _Module:
    def __init__(
        self, target: ModuleTarget, before: ModuleTarget | None, prepared: Prepared, plan: Plan
    ) -> None:
        self._target = target
        self._before = {s.service: s for s in before.services} if before else {}
        self._page_before = before.open if before else target.open
        self._observed = prepared.observed
        self._plan = plan
        self._steps: dict[str, dict[str, Step]] = {}
        for step in plan:
            if step.module == target.name:
                self._steps.setdefault(step.subject, {})[step.kind] = step

    def effects(self) -> ModuleEffects:
        services = tuple(self._services())
        running = {c.name for c in self._containers() if c.status == "running"}
        hit = {name for name, steps in self._steps.items() if steps.keys() & {"stop", "remove"}}
        return ModuleEffects(
            self._target.name,
            self._target.module.title,
            is_interrupted=bool(running & hit),
            seconds=self._seconds(services),
            kept=len(running - hit),
            page=self._target.open if self._target.open != self._page_before else None,
            services=services,
        )

    def _containers(self) -> Iterator[Container]:
        jobs = {s.container for s in self._target.services if s.is_job}
        for container in self._observed.containers.values():
            if container.module == self._target.name and container.name not in jobs:
                yield container

    def _services(self) -> Iterator[ServiceEffect]:
        known = {service.container: service for service in self._target.services}
        for name, steps in self._steps.items():
            container = self._observed.containers.get(name)
            service = known.get(name)
            if service is None:
                if container and "remove" in steps:
                    yield ServiceEffect(container.service, "remove", is_job=False)
            elif "create" in steps or "start" in steps:
                yield self._started(service, container, is_created="create" in steps)

    def _started(
        self, service: ServiceTarget, container: Container | None, *, is_created: bool
    ) -> ServiceEffect:
        kind: EffectKind = "create" if container is None else "recreate" if is_created else "start"
        reasons = self._reasons(service, container) if kind == "recreate" and container else ()
        seconds = self._observed.learnt.get(service.address)
        return ServiceEffect(service.service, kind, service.is_job, tuple(reasons), seconds)

    def _reasons(self, service: ServiceTarget, container: Container) -> Iterator[Text]:
        before = self._before.get(service.service)
        if before and before.config_hash != service.config_hash:
            yield from _differences(before, service)
        if container.config_hash != (before or service).config_hash:
            yield Text("applies changes that were saved earlier")
        elif before and before.config_hash == service.config_hash:
            yield Text("follows another service, or its image is new")

    def _seconds(self, services: Iterable[ServiceEffect]) -> float | None:
        if any(one.seconds is None and one.kind != "remove" for one in services):
            return None
        ends = (self._plan.begun_by[s.id] for steps in self._steps.values() for s in steps.values())
        return max(ends, default=0.0)


def _differences(before: ServiceTarget, after: ServiceTarget) -> Iterator[Text]:
    """How the container of *after* differs from that of *before*."""
    had = {port.host for port in before.ports}
    if ports := [str(port.host) for port in after.ports if port.host not in had]:
        yield Text("publishes port {ports}", ports=Listed(ports))
    memory = _host(after).get("Memory")
    if memory and memory != _host(before).get("Memory"):
        yield Text("memory limit {size}", size=binary_size(memory))
    if before.image.name != after.image.name:
        yield Text("uses the image {image}", image=after.image.display_name)
    if names := _changed(_environment(before), _environment(after)):
        yield Text("environment: {names}", names=_listed(names))
    if names := _changed({f.path: f for f in before.files}, {f.path: f for f in after.files}):
        yield Text("configuration file: {names}", names=_listed(names))
    if before.proxies != after.proxies:
        yield Text("uses another proxy")
    if before.attached != after.attached:
        yield Text("joins other networks")


def _host(service: ServiceTarget) -> Mapping[str, Any]:
    return dict(service.body.get("HostConfig") or {})


def _environment(service: ServiceTarget) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in service.body.get("Env") or ())


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def _listed(names: list[str]) -> str:
    more = [f"+{len(names) - _MAX_NAMES}"] if len(names) > _MAX_NAMES else []
    return ", ".join([*names[:_MAX_NAMES], *more])
