"""Volumes of a module, and the mounts of a container."""

import posixpath
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiserver_tray.spec.labels import (
    CONFIG_HASH,
    HOME,
    INSTALLATION,
    VERSION,
    Owner,
    digest,
    resource_body,
    resource_labels,
    without_ours,
)
from aiserver_tray.spec.model import ServiceTarget, VolumeTarget
from aiserver_tray.spec.names import anonymous_volume_name, volume_name

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.resources import BindOptions, Mount, Volume
    from aiserver_tray.spec.scope import Scope


def _volume_body(driver: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"Driver": driver, "DriverOpts": options}


PLAIN_VOLUMES = frozenset(map(digest, ({}, _volume_body("", {}), _volume_body("local", {}))))
"""The hashes in labels of volumes that are the engine's own storage, and no folder or share."""


def is_plain(labels: Mapping[str, str]) -> bool:
    """Whether a volume with *labels* is the engine's own storage, as far as they say."""
    return labels.get(CONFIG_HASH) in (None, *PLAIN_VOLUMES)


def volume_target(module: str, key: str, volume: "Volume", owner: Owner) -> VolumeTarget:
    """The volume that *module*'s file calls *key*."""
    if volume.external:
        return VolumeTarget(volume.name, {}, external=True)
    body = _volume_body(volume.driver, volume.driver_opts)
    labels = resource_labels("volume", module, key, owner, without_ours(volume.labels))
    return VolumeTarget(volume_name(module, key), resource_body(body, labels))


def unnamed_volume_target(
    module: str, name: str, owner: Owner, given: Mapping[str, str]
) -> VolumeTarget:
    """The volume *name*, which *module*'s file does not name, with *given* labels besides the usual
    ones."""
    key = name.removeprefix(volume_name(module, ""))
    labels = resource_labels("volume", module, key, owner, given)
    return VolumeTarget(name, resource_body({}, labels))


def mounts(scope: "Scope", name: str) -> tuple[list[str], list[dict[str, Any]]]:
    """``HostConfig.Binds`` and ``HostConfig.Mounts`` of the service *name*. Of two mounts at one
    target the last one counts, as with Compose."""
    binds, others = [], []
    for mount in {mount.target: mount for mount in scope.service(name).volumes}.values():
        if _needs_bind(mount):
            binds.append(_bind(mount))
        else:
            others.append(_mount(mount, _source(scope, name, mount)))
    return binds, others


def volume_names(scope: "Scope", name: str) -> tuple[str, ...]:
    """The volumes, by name on the engine, that the service *name* mounts."""
    own = (mount for mount in scope.service(name).volumes if mount.type == "volume")
    return tuple(dict.fromkeys(_source(scope, name, mount) for mount in own))


def with_image_volumes(
    service: ServiceTarget,
    declared: Iterable[str],
    shared: Iterable[str],
    labels: Mapping[str, str],
) -> tuple[dict[str, Any], list[VolumeTarget]]:
    """Add a volume to the body of *service*'s container for each folder that its image *declared*
    as a volume and that has no mount, neither from its file nor *shared* from other containers. The
    volumes have *labels* besides the usual ones. The engine would create them too, but under random
    names that nobody can find once the container is gone."""
    host, own = service.body["HostConfig"], service.body["Labels"]
    taken = _targets(host).union(map(posixpath.normpath, shared))
    owner = Owner(own[INSTALLATION], own[VERSION], own.get(HOME, ""))
    volumes: dict[str, VolumeTarget] = {}
    for folder in sorted(set(map(posixpath.normpath, declared)) - taken):
        name = anonymous_volume_name(service.module, service.service, folder)
        volumes[folder] = unnamed_volume_target(service.module, name, owner, labels)
    more = [volume_mount(volume.name, folder) for folder, volume in volumes.items()]
    mounts = [*(host.get("Mounts") or ()), *more]
    return {**service.body, "HostConfig": {**host, "Mounts": mounts}}, list(volumes.values())


def _targets(host: Mapping[str, Any]) -> set[str]:
    """The mount points of a container."""
    targets = [mount["Target"] for mount in host.get("Mounts") or ()]
    targets += [bind.rsplit(":", 2)[1] for bind in host.get("Binds") or ()]
    targets += host.get("Tmpfs") or ()
    return set(map(posixpath.normpath, targets))


def volume_mount(volume: str, folder: str) -> dict[str, Any]:
    """A writable mount of *volume* at *folder*."""
    return {"Type": "volume", "Source": volume, "Target": folder}


def _needs_bind(mount: "Mount") -> bool:
    """Whether the mount needs ``Binds``: only these create the host's folder, and label it for
    SELinux."""
    options = mount.bind
    if mount.type != "bind" or options is None or options.recursive:
        return False
    return options.create_host_path or bool(options.selinux)


def _bind(mount: "Mount") -> str:
    options = mount.bind
    modes = ["ro" if mount.read_only else "rw"]
    if options:
        modes += filter(None, (options.selinux, options.propagation))
    return f"{mount.source}:{mount.target}:{','.join(modes)}"


def _source(scope: "Scope", name: str, mount: "Mount") -> str:
    if mount.type != "volume":
        return mount.source
    if not mount.source:
        return anonymous_volume_name(scope.module.name, name, mount.target)
    return scope.volumes[mount.source].name


def _mount(mount: "Mount", source: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Type": mount.type,
        "Source": source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "Consistency": mount.consistency,
    }
    if mount.type == "bind" and mount.bind:
        body["BindOptions"] = _bind_options(mount.bind)
    elif mount.type == "volume" and mount.volume:
        body["VolumeOptions"] = {"NoCopy": mount.volume.nocopy, "Subpath": mount.volume.subpath}
    elif mount.type == "tmpfs" and mount.tmpfs:
        body["TmpfsOptions"] = {"SizeBytes": mount.tmpfs.size, "Mode": mount.tmpfs.mode}
    return body


def _bind_options(options: "BindOptions") -> dict[str, Any]:
    return {
        "Propagation": options.propagation,
        "CreateMountpoint": options.create_host_path,
        "NonRecursive": options.recursive == "disabled",
        "ReadOnlyNonRecursive": options.recursive == "writable",
        "ReadOnlyForceRecursive": options.recursive == "readonly",
    }
