"""Volumes of a module, and the mounts of a container."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiserver_tray.base.errors import CatalogError, Place, Problem
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text
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
from aiserver_tray.system.engine_place import has_other_paths

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.resources import BindOptions, Mount, Volume
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.catalog.resolve import ResolvedModule
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


def with_paths_there(
    resolved: "ResolvedModule", engine_host: Callable[[], str]
) -> "ResolvedModule":
    """*resolved* with the paths of this computer that it mounts as the engine at *engine_host* sees
    them: in WSL, a drive is below ``/mnt``.

    Raises:
        CatalogError: the engine is on another computer, or does not see a path.
    """
    paths = [one for one in _paths(resolved) if _is_here(one[1], resolved.module)]
    if not (paths and has_other_paths(host := engine_host())):
        return resolved
    project, name, in_wsl = resolved.project, urlsplit(host).netloc, host.startswith("wsl:")
    unseen = [one for one in paths if not (in_wsl and _in_wsl(one[1], name))]
    if unseen:
        why = _not_in_wsl if in_wsl else _not_elsewhere
        raise CatalogError([Problem(place, why(path)) for place, path in unseen])

    def there(mount: "Mount") -> "Mount":
        source = (mount.type == "bind" and _in_wsl(mount.source, name)) or mount.source
        return mount.model_copy(update={"source": source})

    services = {
        key: service.model_copy(update={"volumes": [there(mount) for mount in service.volumes]})
        for key, service in project.services.items()
    }
    return replace(resolved, project=project.model_copy(update={"services": services}))


def _paths(resolved: "ResolvedModule") -> Iterator[tuple[Place, str]]:
    """The paths that *resolved* mounts, with their places in its file."""
    for name, service in resolved.project.services.items():
        place = resolved.module.place("services", name, "volumes")
        yield from ((place, mount.source) for mount in service.volumes if mount.type == "bind")
    for key, volume in resolved.project.volumes.items():
        if "bind" in volume.driver_opts.get("o", "").split(","):
            place = resolved.module.place("volumes", key)
            yield place, volume.driver_opts.get("device", "")


def _is_here(path: str, module: "Module") -> bool:
    """Whether *path* can only mean one of this computer: it is relative to its file, in the user's
    home or of Windows. ``/srv/data`` is one of the engine's."""
    if _is_of_windows(path):
        return True
    own = (module.folder.parent, user_home())
    return any(Path(path).is_relative_to(folder) for folder in own)


def _is_of_windows(path: str) -> bool:
    return bool(PureWindowsPath(path).drive)


def _in_wsl(path: str, distribution: str) -> str | None:
    """*path* of Windows as the WSL *distribution* sees it; None: it does not."""
    parts = PureWindowsPath(path)
    inner = PurePosixPath(*parts.parts[1:])
    if parts.drive[1:] == ":":
        return str("/mnt" / PurePosixPath(parts.drive[0].lower()) / inner)
    server, _, share = parts.drive.strip("\\").partition("\\")
    if server.lower() in ("wsl$", "wsl.localhost") and share.lower() == distribution.lower():
        return str("/" / inner)
    return None


def _not_in_wsl(path: str) -> Text:
    return Text(
        "The engine is inside WSL and does not see {path}. Use a path on a drive with a letter, "
        "such as C:",
        path=path,
    )


def _not_elsewhere(path: str) -> Text:
    return Text(
        "The engine is on another computer, and its containers can't get {path} of this one. Use a "
        "volume, a file under configs, or the full path of a folder there",
        path=path,
    )


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
