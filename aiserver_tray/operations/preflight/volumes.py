"""Volumes that were created for another use, or with other secrets (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import AiServerError, CatalogError, NameConflictError, SettingError
from aiserver_tray.base.errors.remedies import enter
from aiserver_tray.base.i18n import Text
from aiserver_tray.operations.survey import Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget, VolumeTarget
from aiserver_tray.spec.mounts import PLAIN_VOLUMES

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.settings.secrets import Secrets

KEEP = "io.aiserver.keep."
"""Prefix of a volume's label ``io.aiserver.keep.<address>``. It holds the keyed fingerprint of the
secret that the data depends on."""

_TO_BE_MADE = "to be made"
"""Stands for the fingerprint of a secret that is not generated yet, so no data depends on it."""


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
    module: "Module", volume: VolumeTarget, there: Mapping[str, str]
) -> AiServerError | None:
    """Why *volume* of *module* can't use the existing volume of that name, labelled as *there*: it
    is foreign, it is a folder or share that the file does not have any more, or one holds data and
    the other configuration files."""
    if volume.external:
        return None
    wanted = _labels(volume.body)
    installation = there.get(labels.INSTALLATION)
    if installation != wanted[labels.INSTALLATION]:
        return NameConflictError("volume", volume.name, installation, there.get(labels.HOME))
    now = wanted[labels.CONFIG_HASH]
    if there.get(labels.CONFIG_HASH, now) not in (now, *PLAIN_VOLUMES):
        return CatalogError.at(module.place("volumes"), _is_elsewhere(volume, module))
    if (labels.CONFIG_OF in wanted) == (labels.CONFIG_OF in there):
        return None
    if service := wanted.get(labels.CONFIG_OF):
        return CatalogError.at(module.place("services", service), _holds_data(volume, module))
    return CatalogError.at(module.place("volumes"), _holds_files(volume, module))


def _is_elsewhere(volume: VolumeTarget, module: "Module") -> Text:
    # The user agreed to what the file says now, not to that.
    return Text(
        "expected another name: the existing volume {volume} is still the folder, share or driver "
        "of an earlier file. To create it again, remove it: aiserver-tray down {module} --volumes",
        volume=volume.name,
        module=module.name,
    )


def _holds_data(volume: VolumeTarget, module: "Module") -> Text:
    return Text(
        "expected another name: the existing volume {volume} holds data of this module, and the "
        "configuration files of this service would overwrite it. Rename the service. If you "
        "don't need the data, remove it: aiserver-tray down {module} --volumes",
        volume=volume.name,
        module=module.name,
    )


def _holds_files(volume: VolumeTarget, module: "Module") -> Text:
    return Text(
        "expected another name: the existing volume {volume} holds configuration files, and is "
        "removed with its containers. Rename this volume, or remove the existing one: "
        "aiserver-tray down {module}",
        volume=volume.name,
        module=module.name,
    )


def with_keep_labels(target: ModuleTarget, secrets: "Secrets") -> ModuleTarget:
    """*target* with labels on its own volumes: the fingerprints of the module's secrets that must
    be kept.

    Raises:
        SettingError: a secret can't be read.
    """
    keep = keep_labels(target.module, secrets)
    volumes = tuple(
        volume
        if volume.external
        else replace(volume, body={**volume.body, "Labels": {**_labels(volume.body), **keep}})
        for volume in target.volumes
    )
    return replace(target, volumes=volumes, keep=keep)


def keep_labels(module: "Module", secrets: "Secrets") -> dict[str, str]:
    """Label -> fingerprint, for each secret of *module* that must be kept, whether it exists or
    will be generated.

    Raises:
        SettingError: a secret can't be read.
    """
    keep = {f"{module.name}.{name}": s for name, s in module.settings.items() if s.keep}
    made = secrets.names() if keep else ()
    return {
        f"{KEEP}{address}": secrets.fingerprint(address) if address in made else _TO_BE_MADE
        for address, setting in keep.items()
        if address in made or setting.generate
    } | _renamed_labels(module, [address for address in keep if address in made], secrets)


def _renamed_labels(module: "Module", kept: Sequence[str], secrets: "Secrets") -> dict[str, str]:
    """Like `keep_labels`, for secrets that *module*'s file no longer declares and whose value one
    of the *kept* secrets has: it was renamed, and its value was copied."""
    own = f"{module.name}."
    declared = {f"{own}{name}" for name in module.settings}
    gone = [a for a in secrets.names() if a.startswith(own) and a not in declared] if kept else []
    if not gone:
        return {}
    values = secrets.values([*gone, *kept])
    present = {values[address] for address in kept}
    return {f"{KEEP}{a}": secrets.fingerprint(a) for a in gone if values[a] in present}


def _labels(body: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = body.get("Labels") or {}
    return found


def keep_problems(targets: Iterable[ModuleTarget], survey: Survey) -> list[AiServerError]:
    """Our volumes that were created with another value of a secret, or with a secret that was
    renamed."""
    return [
        *(
            _changed(address, target, volumes)
            for target in targets
            for address, volumes in _altered(target, survey).items()
        ),
        *(error for target in targets for error in _renamed(target, survey)),
    ]


def _altered(target: ModuleTarget, survey: Survey) -> dict[str, list[str]]:
    """Address of a secret -> the volumes of *target* that were created with another value of it. A
    volume without the label does not count."""
    found: dict[str, list[str]] = {}
    for volume in survey.our_volumes:
        for label, fingerprint in target.keep.items():
            made_with = volume.labels.get(label, fingerprint)
            if volume.module == target.name and made_with != fingerprint:
                found.setdefault(label.removeprefix(KEEP), []).append(volume.name)
    return found


def _changed(address: str, target: ModuleTarget, volumes: Sequence[str]) -> SettingError:
    why = Text(
        "the data in {volumes} was created with another value of this secret, and can't be used "
        "with the current one. Restore secrets.json of this home folder from a backup, or delete "
        "the data and start over: aiserver-tray down {module} --volumes",
        volumes=", ".join(volumes),
        module=target.name,
    )
    # A secret that exists can't be changed, because other data may depend on it.
    is_lost = target.keep[f"{KEEP}{address}"] == _TO_BE_MADE
    return SettingError(address, why, [enter(Text("Enter the lost value"), address)] * is_lost)


def _renamed(target: ModuleTarget, survey: Survey) -> Iterator[SettingError]:
    """For each generated secret of *target* that no volume was created with: it may replace a
    secret that the file no longer declares. Whether its value exists says nothing, because a `pull`
    generates it too."""
    volumes = [volume for volume in survey.our_volumes if volume.module == target.name]
    made_with = {label for volume in volumes for label in volume.labels if label.startswith(KEEP)}
    settings = {f"{KEEP}{target.name}.{name}": s for name, s in target.module.settings.items()}
    if gone := made_with - {*settings, *target.keep}:
        locked = [volume.name for volume in volumes if gone & {*volume.labels}]
        for label in sorted(target.keep.keys() - made_with):
            if label in settings and settings[label].generate:
                yield _replaced(label, target.name, sorted(gone), locked)


def _replaced(label: str, module: str, gone: Iterable[str], volumes: Iterable[str]) -> SettingError:
    address = label.removeprefix(KEEP)
    why = Text(
        "the data in {volumes} was created with the secret {old}, which the module's file no "
        "longer declares. It can't be used with a new secret. If you renamed the secret, use its "
        "old name again. If this is another secret, declare the old one too. Or delete the data "
        "and start over: aiserver-tray down {module} --volumes",
        volumes=", ".join(volumes),
        old=", ".join(old.removeprefix(KEEP) for old in gone),
        module=module,
    )
    return SettingError(address, why)
