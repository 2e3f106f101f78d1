"""A whole Compose project, validated."""

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Any, Literal, NamedTuple, get_args

from pydantic import Field

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.fields import Extensible, Name
from aiserver_tray.catalog.compose.keypath import KeyPath, Report
from aiserver_tray.catalog.compose.normalize import normalize
from aiserver_tray.catalog.compose.resources import Config, Network, Secret, Volume
from aiserver_tray.catalog.compose.service import Service
from aiserver_tray.catalog.compose.variables import is_active


class Project(Extensible):
    """The services that the profiles activate, and the resources that these use."""

    name: str = ""
    services: dict[Name, Service] = Field(default_factory=dict)
    networks: dict[str, Network] = Field(default_factory=dict)
    volumes: dict[Name, Volume] = Field(default_factory=dict)
    secrets: dict[Name, Secret] = Field(default_factory=dict)
    configs: dict[Name, Config] = Field(default_factory=dict)

    def to_compose(self) -> dict[str, Any]:
        """The JSON form of ``docker compose config --format json``, in which ``$`` is ``$$``."""
        extensions = {key: _without_empty_lists(value) for key, value in self.extensions.items()}
        whole = {"services": {}, **self.model_dump(by_alias=True), **extensions}
        return {key: _escape_dollars(value) for key, value in whole.items()}


def _without_empty_lists(value: Any) -> Any:  # noqa: ANN401 - anything YAML can say
    """An empty list in an extension prints as null, as Go prints its empty slice."""
    match value:
        case []:
            return None
        case list():
            return [_without_empty_lists(item) for item in value]
        case dict():
            return {key: _without_empty_lists(item) for key, item in value.items()}
    return value


def _escape_dollars(value: object) -> object:
    match value:
        case str():
            return value.replace("$", "$$")
        case dict():
            return {_escape_dollars(key): _escape_dollars(item) for key, item in value.items()}
        case list():
            return [_escape_dollars(item) for item in value]
    return value


def validate_project(
    tree: dict[str, Any], report: Report, *, profiles: Collection[str] = ()
) -> Project:
    """The project of a canonical *tree*, which is completed in place and must contain ``name``.

    Shapes are checked for every service, references only for active services: those without
    profiles or with one of *profiles* (``*`` is any).

    Raises:
        pydantic.ValidationError: the tree isn't a Compose project; each error has its path from
            the root of the tree, and its ``ctx["error"]`` may hold what was expected.
    """
    normalize(tree)
    whole = Project.model_validate(tree)
    active = {n: s for n, s in whole.services.items() if is_active(s.profiles, profiles)}
    project = whole.model_copy(update={"services": active})
    check_consistency(project, whole.services.keys() - active.keys(), report)
    return project.model_copy(update=_used_resources(project))


def _used_resources(project: Project) -> dict[str, Any]:
    used = {use[:2] for service in project.services.values() for use in uses_of(service)}
    return {
        section: {n: r for n, r in getattr(project, section).items() if (section, n) in used}
        for section in get_args(Section)
    }


Section = Literal["networks", "volumes", "secrets", "configs"]


class Use(NamedTuple):
    """A service's use of the resource *name*; *path* is within the service."""

    section: Section
    name: str
    path: KeyPath


def uses_of(service: Service) -> Iterator[Use]:
    """Every use of a declared resource in *service*."""
    for name in service.networks:
        yield Use("networks", name, ("networks", name))
    for index, mount in enumerate(service.volumes):
        if mount.type == "volume" and mount.source:
            yield Use("volumes", mount.source, ("volumes", index))
    for index, secret in enumerate(service.secrets):
        yield Use("secrets", secret.source, ("secrets", index))
    for index, secret in enumerate(service.build.secrets if service.build else ()):
        yield Use("secrets", secret.source, ("build", "secrets", index))
    for index, config in enumerate(service.configs):
        yield Use("configs", config.source, ("configs", index))


_Problem = tuple[KeyPath, Text]


def check_consistency(project: Project, disabled: Collection[str], report: Report) -> None:
    """Report references of active services to undeclared objects, and contradictions.

    *disabled* are services without an active profile.
    """
    for name, service in project.services.items():
        alone = (problem for check in _CHECKS for problem in check(service))
        others = (_resources(project, service), _services(project, service, disabled))
        for path, text in chain(alone, *others):
            report(("services", name, *path), text)
    for name, secret in project.secrets.items():
        if not (secret.external or secret.file or secret.environment):
            text = Text("expected one of {expected}, found none", expected="file, environment")
            report(("secrets", name), text)
    _check_cycle(project.services, report)


def _source_of_image(service: Service) -> Iterator[_Problem]:
    build = service.build
    if not build:
        if not service.image:
            yield (), Text("expected an image or a build, found neither")
        return
    if build.dockerfile and build.dockerfile_inline:
        text = Text("expected either dockerfile or dockerfile_inline, found both")
        yield ("build", "dockerfile_inline"), text
    if build.platforms and service.platform and service.platform not in build.platforms:
        text = Text("expected one of build.platforms, found {found!r}", found=service.platform)
        yield ("platform",), text


def _networking(service: Service) -> Iterator[_Problem]:
    if service.network_mode and service.networks:
        yield ("network_mode",), Text("expected either network_mode or networks, found both")


def _limits(service: Service) -> Iterator[_Problem]:
    """A limit of the service must equal that of its deploy section."""
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
        text = Text(
            "expected no name here, because {count} containers can't share one name",
            count=service.replicas,
        )
        yield ("container_name",), text


def _healthcheck(service: Service) -> Iterator[_Problem]:
    test = service.healthcheck.test if service.healthcheck else []
    if test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        text = Text(
            "expected a list that starts with CMD, CMD-SHELL or NONE, found {found!r}",
            found=test[0],
        )
        yield ("healthcheck", "test"), text


def _watch(service: Service) -> Iterator[_Problem]:
    for index, watch in enumerate(service.develop.watch if service.develop else ()):
        if not watch.path:
            yield ("develop", "watch", index, "path"), Text("expected a path, found an empty value")
        if not watch.target and watch.action not in ("rebuild", "restart"):
            text = Text("expected a target, because {action} requires it", action=watch.action)
            yield ("develop", "watch", index), text


_CHECKS = (_source_of_image, _networking, _limits, _container_name, _healthcheck, _watch)


def _resources(project: Project, service: Service) -> Iterator[_Problem]:
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


def _services(project: Project, service: Service, disabled: Collection[str]) -> Iterator[_Problem]:
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
    graph = {n: [o for o in s.depends_on if o in services] for n, s in services.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        text = Text("expected no dependency cycle, found {path}", path=" → ".join(path))
        report(("services", path[0], "depends_on"), text)
