"""Whether the parts of a project fit together."""

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath, Report
from aiserver_tray.catalog.compose.references import Section, uses_of
from aiserver_tray.catalog.compose.service import Service

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project

_Problem = tuple[KeyPath, Text]


def check_consistency(project: "Project", disabled: Collection[str], report: Report) -> None:
    """Report references of active services to undeclared objects, and contradictions.

    *disabled* are services without an active profile.
    """
    for name, service in project.services.items():
        for check in _CHECKS:
            for path, text in check(service):
                report(("services", name, *path), text)
        for path, text in _resources(project, service):
            report(("services", name, *path), text)
        for path, text in _services(project, service, disabled):
            report(("services", name, *path), text)
    for name, secret in project.secrets.items():
        if not (secret.external or secret.file or secret.environment):
            report(
                ("secrets", name),
                Text("expected one of {expected}, found none", expected="file, environment"),
            )
    _check_cycle(project.services, report)


def _source_of_image(service: Service) -> Iterator[_Problem]:
    build = service.build
    if not build:
        if not service.image:
            yield (), Text("expected an image or a build, found neither")
        return
    if build.dockerfile and build.dockerfile_inline:
        yield (
            ("build", "dockerfile_inline"),
            Text("expected either dockerfile or dockerfile_inline, found both"),
        )
    if build.platforms and service.platform and service.platform not in build.platforms:
        yield (
            ("platform",),
            Text("expected one of build.platforms, found {found!r}", found=service.platform),
        )


def _networking(service: Service) -> Iterator[_Problem]:
    if service.network_mode and service.networks:
        yield ("network_mode",), Text("expected either network_mode or networks, found both")


def _limits(service: Service) -> Iterator[_Problem]:
    """A limit of the service has to be that of its deploy section."""
    if not service.deploy:
        return
    limits = service.deploy.resources.limits
    reservations = service.deploy.resources.reservations
    pairs: list[tuple[str, float | None, str, float | None]] = [
        ("scale", service.scale, "replicas", service.deploy.replicas)
    ]
    if limits:
        pairs += [
            ("cpus", service.cpus or None, "resources.limits.cpus", limits.cpus),
            ("mem_limit", service.mem_limit or None, "resources.limits.memory", limits.memory),
            ("pids_limit", service.pids_limit or None, "resources.limits.pids", limits.pids),
        ]
    if reservations:
        given, reserved = service.mem_reservation or None, reservations.memory
        pairs.append(("mem_reservation", given, "resources.reservations.memory", reserved))
    for key, value, other, deployed in pairs:
        if value is not None and deployed is not None and value != deployed:
            yield (key,), Text("expected the value of deploy.{other}", other=other)


def _container_name(service: Service) -> Iterator[_Problem]:
    if service.container_name and service.replicas > 1:
        yield (
            ("container_name",),
            Text(
                "expected no name here, because {count} containers can't share one name",
                count=service.replicas,
            ),
        )


def _healthcheck(service: Service) -> Iterator[_Problem]:
    test = service.healthcheck.test if service.healthcheck else []
    if test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        yield (
            ("healthcheck", "test"),
            Text(
                "expected a list that starts with CMD, CMD-SHELL or NONE, found {found!r}",
                found=test[0],
            ),
        )


def _watch(service: Service) -> Iterator[_Problem]:
    for index, watch in enumerate(service.develop.watch if service.develop else ()):
        if not watch.path:
            yield ("develop", "watch", index, "path"), Text("expected a path, found an empty value")
        if not watch.target and watch.action not in ("rebuild", "restart"):
            yield (
                ("develop", "watch", index),
                Text("expected a target, because {action} requires it", action=watch.action),
            )


_CHECKS = (_source_of_image, _networking, _limits, _container_name, _healthcheck, _watch)


def _resources(project: "Project", service: Service) -> Iterator[_Problem]:
    for section, name, path in uses_of(service):
        if name not in getattr(project, section):
            yield path, _undeclared(_RESOURCES[section], name)


def _undeclared(expected: Text, found: str) -> Text:
    return Text("expected {expected}, found {found!r}", expected=expected, found=found)


_RESOURCES: dict[Section, Text] = {
    "networks": Text("a network that is declared under networks"),
    "volumes": Text("a volume that is declared under volumes (a folder begins with ./)"),
    "secrets": Text("a secret that is declared under secrets"),
    "configs": Text("a config that is declared under configs"),
}


def _services(
    project: "Project", service: Service, disabled: Collection[str]
) -> Iterator[_Problem]:
    for name, dependency in service.depends_on.items():
        if name in project.services or (name in disabled and not dependency.required):
            continue
        yield ("depends_on", name), _inactive(name, disabled)
    shared = service.network_mode.removeprefix("service:")
    if shared != service.network_mode and shared not in {*project.services, *service.depends_on}:
        yield ("network_mode",), _inactive(shared, disabled)
    for key, context in service.build.additional_contexts.items() if service.build else ():
        built = context.removeprefix("service:")
        if built == context:
            continue
        other = project.services.get(built)
        if not (other and other.build):
            expected = Text("an active service with a build")
            yield ("build", "additional_contexts", key), _undeclared(expected, built)


def _inactive(name: str, disabled: Collection[str]) -> Text:
    if name in disabled:
        return Text("expected an active service; no profile of {found!r} is active", found=name)
    return _undeclared(Text("an active service"), name)


def _check_cycle(services: Mapping[str, Service], report: Report) -> None:
    graph = {
        name: [other for other in service.depends_on if other in services]
        for name, service in services.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        report(
            ("services", path[0], "depends_on"),
            Text("expected no dependency cycle, found {path}", path=" → ".join(path)),
        )
