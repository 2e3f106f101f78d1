"""Objects of the engine that have a name we need (pure)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from aiserver_tray.base.errors import (
    KIND_WORDS,
    AiServerError,
    CatalogError,
    NameConflictError,
    ObjectKind,
    Place,
    Problem,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.shared_names import (
    SharedName,
    by_dns_name,
    dns_name,
    duplicate_name_problems,
)
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.operations.survey import Found, Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.spec.names import SHARED_NETWORK
from aiserver_tray.spec.network import shared_names

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module


class _Needed(NamedTuple):
    """A name that we use on the engine, and the module that needs it. ``path`` is the place in the
    module's file."""

    kind: ObjectKind
    name: str
    module: "Module"
    path: tuple[str, ...]


def name_problems(targets: Sequence[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Errors for names of *targets* that are already in use, and for missing external objects."""
    needed = [found for target in targets for found in _needed(target)]
    return [
        *_clashes(needed),
        *_taken(needed, survey),
        *_missing(targets, needed, survey),
        *_ambiguous(targets, survey),
    ]


def _needed(target: ModuleTarget) -> Iterator[_Needed]:
    module = target.module
    for service in target.services:
        yield _Needed("container", service.container, module, ("services", service.service))
    for network in target.networks:
        if not network.external or network.name == SHARED_NETWORK:
            yield _Needed("network", network.name, module, ("networks",))
    for volume in target.volumes:
        if not volume.external:
            yield _Needed("volume", volume.name, module, ("volumes",))


def _clashes(needed: Iterable[_Needed]) -> Iterator[AiServerError]:
    """Two modules can produce the same name: ``a`` with ``b-c``, and ``a-b`` with ``c``."""
    first: dict[tuple[ObjectKind, str], _Needed] = {}
    for found in needed:
        earlier = first.setdefault((found.kind, found.name), found)
        if earlier.module.name != found.module.name and found.name != SHARED_NETWORK:
            yield _shared_name(found, earlier.module.name)


def _shared_name(needed: _Needed, other: str) -> CatalogError:
    text = Text(
        "expected another name: the module {other} already uses the {kind} {name}. Rename one of "
        "them",
        kind=KIND_WORDS[needed.kind],
        name=needed.name,
        other=other,
    )
    return CatalogError.at(needed.module.place(*needed.path), text)


def _taken(needed: Iterable[_Needed], survey: Survey) -> Iterator[AiServerError]:
    there = _by_name(survey)
    reported = set()
    for need in needed:
        key = (need.kind, need.name)
        if key not in there or key in reported:
            continue
        found = there[key]
        module = found.labels.get(labels.MODULE)
        if not survey.is_ours(found):
            reported.add(key)
            conflict = NameConflictError(
                *key, found.labels.get(labels.INSTALLATION), found.labels.get(labels.HOME)
            )
            conflict.about(need.module.name)
            yield conflict
        elif module not in (need.module.name, None):
            yield _shared_name(need, str(module))


def _by_name(survey: Survey) -> dict[tuple[ObjectKind, str], ContainerSummary | Found]:
    containers = {("container", c.name): c for c in survey.containers}
    networks = {("network", n.name): n for n in survey.networks.values()}
    volumes = {("volume", v.name): v for v in survey.volumes.values()}
    return {**containers, **networks, **volumes}  # type: ignore[dict-item]


def _missing(
    targets: Iterable[ModuleTarget], needed: Iterable[_Needed], survey: Survey
) -> Iterator[AiServerError]:
    """External networks and volumes that do not exist and are not created by this operation."""
    will_be = {(found.kind, found.name) for found in needed} | _by_name(survey).keys()
    for target in targets:
        for network in target.networks:
            if network.external and ("network", network.name) not in will_be:
                yield _absent("networks", target.module, network.name)
        for volume in target.volumes:
            if volume.external and ("volume", volume.name) not in will_be:
                yield _absent("volumes", target.module, volume.name)


def _absent(section: Literal["networks", "volumes"], module: "Module", name: str) -> CatalogError:
    text = (
        Text(
            "the external network {name} does not exist. Create it with: docker network create "
            "{name}",
            name=name,
        )
        if section == "networks"
        else Text(
            "the external volume {name} does not exist. Create it with: docker volume create "
            "{name}",
            name=name,
        )
    )
    return CatalogError.at(_declared(section, module, name), text)


def _declared(section: str, module: "Module", name: str) -> Place:
    """The place in *module*'s file that declares the object *name* of the engine."""
    for key, value in module.section(section).items():
        given = value.get("name") if isinstance(value, dict) else None
        if name in (key, given):
            return module.place(section, key)
    return module.place(section)


def _ambiguous(targets: Sequence[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Names on the shared network to which services of two modules would answer."""
    names = [(target.module, list(_shared_names(target))) for target in targets]
    problems = duplicate_name_problems(names)
    there = _shared_names_there(survey, [target.name for target in targets])
    problems += [
        _used_elsewhere(module, found, there[key])
        for module, given in names
        for key, found in sorted(by_dns_name(given).items())
        if key in there
    ]
    return [CatalogError(problems)] if problems else []


def _shared_names(target: ModuleTarget) -> Iterator[SharedName]:
    for service in target.services:
        if names := shared_names(service.body):
            for name in (*names, service.container):
                yield SharedName(name, ("services", service.service))


def _shared_names_there(survey: Survey, but: Collection[str]) -> dict[str, str]:
    """Name as in DNS -> module, of our containers on the shared network that are of other
    modules."""
    found = [c for c in survey.ours if SHARED_NETWORK in c.networks]
    others = [c for c in found if c.labels[labels.MODULE] not in but]
    return {
        dns_name(name): container.labels[labels.MODULE]
        for container in others
        for name in (container.name, *labels.shared_names_in(container.labels))
    }


def _used_elsewhere(module: "Module", found: SharedName, other: str) -> Problem:
    text = Text(
        "expected a unique name on {network}; a container of the module {other} already uses "
        "{name}. Rename one of them, or remove these containers: aiserver-tray down {other}",
        network=SHARED_NETWORK,
        name=found.name,
        other=other,
    )
    return Problem(module.place(*found.path), text)
