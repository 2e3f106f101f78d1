"""Objects of the engine that have a name we need, and volumes made for another use or with other
secrets (pure)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from aiserver_tray.catalog.check import shared_name_problems
from aiserver_tray.catalog.modules import Module
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.errors import (
    KIND_WORDS,
    AiServerError,
    CatalogError,
    NameConflictError,
    ObjectKind,
    Place,
    Problem,
    SettingError,
)
from aiserver_tray.i18n import Text
from aiserver_tray.operations.survey import Found, Survey
from aiserver_tray.settings.secrets import Secrets
from aiserver_tray.target import labels
from aiserver_tray.target.model import ModuleTarget, VolumeTarget
from aiserver_tray.target.names import SHARED_NETWORK

KEEP = "io.aiserver.keep."
"""A volume's label ``io.aiserver.keep.<address>`` holds the keyed fingerprint of the secret that
its data depends on."""

_TO_BE_MADE = "to be made"
"""The fingerprint of a secret that was not made yet: no data was made with it."""


class _Needed(NamedTuple):
    """A name that we put on the engine, and what needs it. ``path`` is where it comes from in the
    module's file."""

    kind: ObjectKind
    name: str
    module: Module
    path: tuple[str, ...]


def name_problems(targets: Sequence[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Names that *targets* need and somebody else has, and external objects that are missing."""
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
    """Two modules may come to the same name: ``a`` with ``b-c``, and ``a-b`` with ``c``."""
    first: dict[tuple[ObjectKind, str], _Needed] = {}
    for found in needed:
        earlier = first.setdefault((found.kind, found.name), found)
        if earlier.module.name != found.module.name and found.name != SHARED_NETWORK:
            yield _shared_name(found, earlier.module.name)


def _shared_name(needed: _Needed, other: str) -> CatalogError:
    text = Text(
        "expected another name: the {kind} {name} would also be that of the module {other}. "
        "Rename it here or there",
        kind=KIND_WORDS[needed.kind],
        name=needed.name,
        other=other,
    )
    return CatalogError.at(needed.module.place(*needed.path), text)


def _taken(needed: Iterable[_Needed], survey: Survey) -> Iterator[AiServerError]:
    there = _by_name(survey)
    told = set()
    for need in needed:
        key = (need.kind, need.name)
        if key not in there or key in told:
            continue
        found = there[key]
        module = found.labels.get(labels.MODULE)
        if not survey.is_ours(found):
            told.add(key)
            yield NameConflictError(*key, found.labels.get(labels.INSTALLATION))
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
    """External networks and volumes that neither exist nor are about to be made."""
    will_be = {(found.kind, found.name) for found in needed} | _by_name(survey).keys()
    for target in targets:
        for network in target.networks:
            if network.external and ("network", network.name) not in will_be:
                yield _absent("networks", target.module, network.name)
        for volume in target.volumes:
            if volume.external and ("volume", volume.name) not in will_be:
                yield _absent("volumes", target.module, volume.name)


def _absent(section: Literal["networks", "volumes"], module: Module, name: str) -> CatalogError:
    text = (
        Text(
            "expected a network {name} on the engine, since it is external here. Make it with: "
            "docker network create {name}",
            name=name,
        )
        if section == "networks"
        else Text(
            "expected a volume {name} on the engine, since it is external here. Make it with: "
            "docker volume create {name}",
            name=name,
        )
    )
    return CatalogError.at(_declared(section, module, name), text)


def _declared(section: str, module: Module, name: str) -> Place:
    """Where *module*'s file declares what the engine calls *name*."""
    declared: Mapping[str, Any] = module.document.tree.get(section) or {}
    for key, value in declared.items():
        given = value.get("name") if isinstance(value, dict) else None
        if name in (key, given):
            return module.place(section, key)
    return module.place(section)


def _ambiguous(targets: Sequence[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Names on the shared network to which services of two modules would answer."""
    names = [(target.module, _shared_names(target)) for target in targets]
    problems = shared_name_problems(names)
    there = _shared_names_there(survey, [target.name for target in targets])
    problems += [
        _also_there(m, n, there[n]) for m, found in names for n in sorted(found & {*there})
    ]
    return [CatalogError(problems)] if problems else []


def _shared_names(target: ModuleTarget) -> set[str]:
    endpoints = (s.body["NetworkingConfig"]["EndpointsConfig"] for s in target.services)
    return {n for found in endpoints for n in found.get(SHARED_NETWORK, {}).get("Aliases", ())}


def _shared_names_there(survey: Survey, but: Collection[str]) -> dict[str, str]:
    """Service -> module, of our containers on the shared network that are of other modules."""
    found = (c.labels for c in survey.ours if SHARED_NETWORK in c.networks)
    return {f[labels.SERVICE]: f[labels.MODULE] for f in found if f[labels.MODULE] not in but}


def _also_there(module: Module, name: str, other: str) -> Problem:
    text = Text(
        "expected a name of its own on {network}; the module {other}, whose containers are on the "
        "engine, has {name} too. Rename it here or there, or remove them: aiserver-tray down "
        "{other}",
        network=SHARED_NETWORK,
        name=name,
        other=other,
    )
    return Problem(module.place("services", name), text)


# -- volumes of data and of configuration files ----------------------------------------------------


def use_problems(targets: Iterable[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Our volumes that would be put to another use than before."""
    there = {volume.name: volume.labels for volume in survey.our_volumes}
    return [
        error
        for target in targets
        for volume in target.volumes
        if volume.name in there
        if (error := other_use(target.module, volume, there[volume.name]))
    ]


def other_use(
    module: Module, volume: VolumeTarget, there: Mapping[str, str]
) -> AiServerError | None:
    """What is wrong with taking, as *volume* of *module*, the one of that name that is labelled as
    *there*: it is not ours, or of data and configuration files it holds the other."""
    if volume.external:
        return None
    wanted = _labels(volume.body)
    installation = there.get(labels.INSTALLATION)
    if installation != wanted[labels.INSTALLATION]:
        return NameConflictError("volume", volume.name, installation)
    if (labels.CONFIG_OF in wanted) == (labels.CONFIG_OF in there):
        return None
    if service := wanted.get(labels.CONFIG_OF):
        return CatalogError.at(module.place("services", service), _holds_data(volume, module))
    return CatalogError.at(module.place("volumes"), _holds_files(volume, module))


def _holds_data(volume: VolumeTarget, module: Module) -> Text:
    return Text(
        "expected another name: the volume {volume} on the engine holds data of this module, and "
        "would be emptied for configuration files of this service. Rename the service, or, if "
        "nobody needs the data, remove it: aiserver-tray down {module} --volumes",
        volume=volume.name,
        module=module.name,
    )


def _holds_files(volume: VolumeTarget, module: Module) -> Text:
    return Text(
        "expected another name: the volume {volume} on the engine holds configuration files, and "
        "goes with the containers. Rename this one, or remove the other: "
        "aiserver-tray down {module}",
        volume=volume.name,
        module=module.name,
    )


# -- volumes and the secrets that their data depends on --------------------------------------------


def with_keep_labels(target: ModuleTarget, secrets: Secrets) -> ModuleTarget:
    """*target*, whose own volumes will be labelled with the fingerprints of the module's secrets
    that are to be kept.

    Raises:
        SettingError: a secret can't be read.
    """
    keep = keep_labels(target.module, secrets)
    if not keep:
        return target
    volumes = tuple(
        volume
        if volume.external
        else replace(volume, body={**volume.body, "Labels": {**_labels(volume.body), **keep}})
        for volume in target.volumes
    )
    return replace(target, volumes=volumes)


def keep_labels(module: Module, secrets: Secrets) -> dict[str, str]:
    """Label -> fingerprint, for each secret of *module* that is to be kept and has been made, or
    is yet to be.

    Raises:
        SettingError: a secret can't be read.
    """
    keep = {f"{module.name}.{name}": s for name, s in module.settings.items() if s.keep}
    made = secrets.names() if keep else ()
    return {
        f"{KEEP}{address}": secrets.fingerprint(address) if address in made else _TO_BE_MADE
        for address, setting in keep.items()
        if address in made or setting.generate
    }


def _labels(body: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = body.get("Labels") or {}
    return found


def keep_problems(targets: Iterable[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Our volumes that were made with another value of a secret than the present one."""
    there = {volume.name: volume.labels for volume in survey.our_volumes}
    return [
        _changed(address, target.name, volumes)
        for target in targets
        for address, volumes in _altered(target, there).items()
    ]


def _altered(target: ModuleTarget, there: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Address of a secret -> the volumes of *target* that were made with another value of it. One
    made before the secret was to be kept has no label of it."""
    found: dict[str, list[str]] = {}
    for volume in target.volumes:
        made_with = there.get(volume.name, {})
        for label, fingerprint in _labels(volume.body).items():
            if label.startswith(KEEP) and made_with.get(label, fingerprint) != fingerprint:
                found.setdefault(label.removeprefix(KEEP), []).append(volume.name)
    return found


def _changed(address: str, module: str, volumes: Sequence[str]) -> SettingError:
    why = Text(
        "the data in {volumes} was made with another value of it and can't be used with this one. "
        "Put back secrets.json of this home from a backup, or begin anew without the data: "
        "aiserver-tray down {module} --volumes",
        volumes=", ".join(volumes),
        module=module,
    )
    return SettingError(address, why)
