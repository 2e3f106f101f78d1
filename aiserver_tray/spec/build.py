"""From a resolved module to all that has to be on the engine for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Given, Text
from aiserver_tray.catalog.compose.scalars import parse_duration
from aiserver_tray.catalog.extension import ServiceExtension, stated
from aiserver_tray.catalog.jobs import may_end
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.catalog.unsupported import unsupported
from aiserver_tray.model import Port
from aiserver_tray.spec.config import SECOND, hook, longest_check
from aiserver_tray.spec.config_volumes import config_volumes
from aiserver_tray.spec.container import container
from aiserver_tray.spec.dependencies import check_circle, check_used, dependencies
from aiserver_tray.spec.files import files
from aiserver_tray.spec.host_config import extra_hosts, ulimits
from aiserver_tray.spec.labels import CONFIG_OF, Owner, image_labels
from aiserver_tray.spec.model import (
    BuildTarget,
    File,
    ImageTarget,
    ModuleTarget,
    ServiceTarget,
    VolumeTarget,
)
from aiserver_tray.spec.mounts import unnamed_volume_target, volume_names, volume_target
from aiserver_tray.spec.names import SHARED_NETWORK, former_local_tag, local_tag
from aiserver_tray.spec.network import network_target
from aiserver_tray.spec.page import page, pages
from aiserver_tray.spec.scope import Scope

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.build import Build
    from aiserver_tray.catalog.compose.service import Service

PullPolicy = Literal["", "always", "never", "missing", "build"]

_READY_MARGIN_SECONDS = 30.0
"""Seconds beyond the longest check before a service counts as not getting ready."""
_JOB_TIMEOUT_SECONDS = 3600.0
"""Seconds that a job may take if the file sets no limit."""
_STOP_TIMEOUT_SECONDS = 10.0
"""Seconds that the engine itself gives a container to stop."""


def module_target(
    resolved: ResolvedModule,
    owner: Owner,
    *,
    bind: str,
    values: Mapping[str, str],
    least_log_size: str = "0b",
) -> ModuleTarget:
    """Everything that *resolved* needs on the engine, including secrets.

    *bind*: this machine's address for ports without an address in the file. *values*: the settings'
    values by address, to find the setting of each port. *least_log_size*: of a file of a service's
    log (``10m``), where the module states less.

    Raises:
        CatalogError: something in the file is not supported, or a file that it names can't be
            read.
    """
    if problems := unsupported(resolved.module, resolved.project):
        raise CatalogError(problems)
    scope = _scope(resolved, owner, bind, least_log_size)
    settings = _port_settings(resolved.module, values)
    names = [name for name, s in resolved.project.services.items() if s.replicas > 0]
    check_used(scope, names)
    read = files(scope, names)
    services = tuple(_service_target(scope, n, settings, found) for n, found in read.items())
    _check_names(scope, services)
    check_circle(scope, services)
    return ModuleTarget(
        module=resolved.module,
        requires=resolved.requires,
        services=tuple(_with_ends(scope, services)),
        networks=tuple(scope.networks.values()),
        volumes=(*scope.volumes.values(), *_unnamed(scope, services)),
        open=scope.open,
        pages=pages(resolved.module, {n: _targets(scope.service(n)) for n in names}),
    )


def image_targets(resolved: ResolvedModule, owner: Owner) -> list[ImageTarget]:
    """The images of the services of *resolved*, which need not be fit for a start.

    Raises:
        CatalogError: something in the file is not supported.
    """
    scope = _scope(resolved, owner, "127.0.0.1", "0b")
    active = (name for name, s in resolved.project.services.items() if s.replicas > 0)
    return [image_target(scope, name) for name in active]


def _with_ends(scope: Scope, services: Sequence[ServiceTarget]) -> Iterator[ServiceTarget]:
    """*services* with `may_end` set for those that may exit."""
    policies = {s.service: s.body["HostConfig"]["RestartPolicy"]["Name"] for s in services}
    found = {name: (policy, _serving(scope.service(name))) for name, policy in policies.items()}
    ending = may_end(scope.module, found, scope.jobs)
    for service in services:
        yield replace(service, may_end=True) if service.service in ending else service


def _serving(service: "Service") -> object:
    check = service.healthcheck
    return service.ports or service.expose or (check is not None and not check.disable)


def _unnamed(scope: Scope, services: Iterable[ServiceTarget]) -> list[VolumeTarget]:
    """The volumes of *services* that the file does not name."""
    labels: dict[str, dict[str, str]] = {}
    for service in services:
        labels |= {name: {} for name in service.volumes}
        labels |= {name: {CONFIG_OF: service.service} for name in service.config_volumes}
    named = {volume.name for volume in scope.volumes.values()}
    module, owner = scope.module.name, scope.owner
    new = sorted(labels.keys() - named)
    return [unnamed_volume_target(module, name, owner, labels[name]) for name in new]


def _check_names(scope: Scope, services: Sequence[ServiceTarget]) -> None:
    """Check that no two objects of one module get the same name on the engine."""
    taken = {volume.name for volume in scope.volumes.values()}
    clashes = [name for service in services for name in service.config_volumes if name in taken]
    own = (network.name for network in scope.networks.values() if not network.external)
    clashes += [name for name in own if name == SHARED_NETWORK]
    if clashes:
        text = Text(
            "expected other names in this module: {names} would be two different objects on the "
            "engine",
            names=", ".join(clashes),
        )
        raise CatalogError.at(Place(scope.module.file), text)


def _scope(resolved: ResolvedModule, owner: Owner, bind: str, least_log_size: str) -> Scope:
    name, project = resolved.module.name, resolved.project
    opened = page(resolved.open, bind)
    networks = {k: network_target(name, k, n, owner) for k, n in project.networks.items()}
    volumes = {k: volume_target(name, k, v, owner) for k, v in project.volumes.items()}
    module, requires = resolved.module, resolved.requires
    more = networks, volumes, least_log_size, resolved.proxies
    return Scope(module, requires, project, owner, bind, opened, *more)


def _port_settings(module: Module, values: Mapping[str, str]) -> dict[int, str]:
    addresses = [f"{module.name}.{n}" for n, s in module.settings.items() if s.type == "port"]
    return {int(values[address]): address for address in addresses if address in values}


def _service_target(
    scope: Scope, name: str, settings: Mapping[int, str], found: Sequence[File]
) -> ServiceTarget:
    service = scope.service(name)
    image = image_target(scope, name)
    folders = config_volumes(scope, name, found)
    body, digest = container(scope, name, image, found, folders)
    ports = _ports(service, scope.bind)
    is_job, grace = name in scope.jobs, service.stop_grace_period
    extension = stated(service.extensions)
    return ServiceTarget(
        module=scope.module.name,
        service=name,
        container=scope.container_of(name),
        image=image,
        body=body,
        files=tuple(found),
        networks=dict(list(body["NetworkingConfig"]["EndpointsConfig"].items())[1:]),
        volumes=volume_names(scope, name),
        config_volumes=tuple(folders.values()),
        depends_on=dependencies(scope, name),
        requires=extension.waited_for(scope.requires),
        is_job=is_job,
        is_main=extension.main,
        is_scalable=extension.scale,
        first_start=Given(extension.first_start) if extension.first_start else None,
        ready_within=_ready_within(service, extension, is_job=is_job),
        ready_after=_seconds(extension.ready_after),
        stop_grace=_STOP_TIMEOUT_SECONDS if grace is None else grace / SECOND,
        ports=ports,
        port_settings={port.host: settings[port.host] for port in ports if port.host in settings},
        config_hash=digest,
        proxies=scope.proxies,
        post_start=tuple(map(hook, service.post_start)),
        pre_stop=tuple(map(hook, service.pre_stop)),
    )


def _ready_within(service: "Service", extension: ServiceExtension, *, is_job: bool) -> float:
    if limit := _seconds(extension.ready_within):
        return limit
    if is_job:
        return _JOB_TIMEOUT_SECONDS
    return longest_check(service.healthcheck) + _READY_MARGIN_SECONDS


def _seconds(duration: str | None) -> float | None:
    return parse_duration(duration) / SECOND if duration else None


def _ports(service: "Service", bind: str) -> tuple[Port, ...]:
    """Ports with a fixed host port. For a range, the engine chooses a free one."""
    return tuple(
        Port(port.host_ip or bind, int(port.published), port.target, port.protocol)
        for port in service.ports
        if port.published.isdecimal() and int(port.published)
    )


def _targets(service: "Service") -> list[tuple[int, str]]:
    return [(port.target, port.protocol) for port in service.ports]


def image_target(scope: Scope, name: str) -> ImageTarget:
    """The image of the service *name*. One that is not built shares the build of another service of
    the module whose image has the same name, as with Compose."""
    service = scope.service(name)
    own = _own_image(scope, name)
    if service.build:
        return own
    for other, builder in scope.project.services.items():
        if builder.build and (builder.image, builder.platform) == (service.image, service.platform):
            built = _own_image(scope, other)
            return replace(built, pull_policy=own.pull_policy or built.pull_policy)
    return own


def _own_image(scope: Scope, name: str) -> ImageTarget:
    service = scope.service(name)
    return ImageTarget(
        name=service.image or None,
        pull_policy=cast("PullPolicy", service.pull_policy),
        platform=service.platform or None,
        build=_build_target(scope, name, service.build) if service.build else None,
    )


def _build_target(scope: Scope, name: str, build: "Build") -> BuildTarget:
    service, module = scope.service(name), scope.module.name
    options: dict[str, Any] = {
        "t": build.tags,
        "buildargs": {name: value for name, value in build.args.items() if value is not None},
        "labels": build.labels,
        "target": build.target,
        "nocache": build.no_cache,
        "pull": build.pull,
        "cachefrom": build.cache_from,
        "networkmode": build.network,
        "extrahosts": extra_hosts(build.extra_hosts),
        "shmsize": build.shm_size,
        "ulimits": ulimits(build.ulimits),
        "isolation": build.isolation,
        "platform": next(iter(build.platforms), service.platform),
    }
    return BuildTarget(
        module=module,
        tag=local_tag(module, name, service.image),
        context=build.context,
        dockerfile=build.dockerfile or "Dockerfile",
        inline=build.dockerfile_inline or None,
        options={key: value for key, value in options.items() if value},
        labels=image_labels(module, name, scope.owner),
        former_tag=former_local_tag(module, name, service.image),
    )
