"""What a module asks beyond containers of its own: the list that a user must allow before a module
that is not built in can start."""

import os
import secrets
import shlex
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.file_paths import real_path
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.paths import is_remote
from aiserver_tray.catalog.extension import FirstAccount
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.permission_kinds import Kind, Permission
from aiserver_tray.catalog.permission_rules import Where, asked_by
from aiserver_tray.catalog.resolve import ResolvedModule, resolve_with
from aiserver_tray.catalog.unsupported import is_bind
from aiserver_tray.model import SHARED_NETWORK

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.build import Build
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.service import Service

_SOCKETS = frozenset({"docker.sock", "docker_engine", "podman.sock", "containerd.sock"})
_USUAL_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock")
"""Who has a folder above one of these controls the engine: a socket in it can be used, also if the
folder can only be read."""
_DATA = "/var/lib/docker"
"""Who can write a folder above it controls the engine."""
_DATA_DEPTH = 3
"""Folders below that which containers can write are so deep, as ``volumes/NAME/_data``."""
_MAX_FILES = 10_000
"""Files of a folder that are searched for links; a larger folder can't be a config anyway."""


def permissions(
    catalog: Catalog,
    resolved: ResolvedModule,
    opened: AbstractSet[str] = frozenset(),
    allowed: Collection[tuple[str, str]] = (),
) -> tuple[Permission, ...]:
    """The permissions that *resolved* asks for, sorted. A built-in module asks for nothing.
    *opened*: further files whose content it has, by their real paths. *allowed*: what the user
    allowed it before (`Permission.key`), with which its containers may still run.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    module, project = resolved.module, resolved.project
    if module.name in catalog.built_in:
        return ()
    found = [Permission("secret", address) for address in _used_secrets(catalog, resolved)]
    found += [Permission("file", path) for path in _outside_files(resolved, opened)]
    needs = module.needs.sysctls.items()
    found += [Permission("kernel", f"{setting}={value}") for setting, value in needs]
    for name, action in module.actions.items():
        subject = f"{name} ({action.service}): {shlex.join(action.command)}"
        found.append(Permission("action", subject, (action.service,)))
    first = module.access.first_account if module.access else None
    if isinstance(first, FirstAccount) and first.service:
        subject = f"({first.service}) {shlex.join(first.command)}"
        found.append(Permission("account_check", subject, (first.service,)))
    for name, service in project.services.items():
        here = (*asked_by(service, Where(name, project)), *_binds(name, resolved, allowed))
        found += [Permission(one.kind, one.subject, (name,)) for one in here]
    joined = sorted(_joined(found))
    return tuple(
        replace(one, note=_neighbours(catalog, module)) if one.kind == "shared_network" else one
        for one in joined
    )


def _neighbours(catalog: Catalog, module: Module) -> Text:
    """Whom *module* reaches on the shared network."""
    there = [
        other.title
        for other in catalog.modules.values()
        if other is not module and SHARED_NETWORK in other.section("networks")
    ]
    return Text("On it are {names}. Modules that you add later join it.", names=Listed(there))


def _joined(found: Iterable[Permission]) -> Iterator[Permission]:
    """Each permission once, with all services that ask for it."""
    services: dict[tuple[Kind, str], dict[str, None]] = {}
    for one in found:
        services.setdefault((one.kind, one.subject), {}).update(dict.fromkeys(one.services))
    for (kind, subject), names in services.items():
        yield Permission(kind, subject, tuple(names))


# -- folders of the machine -----------------------------------------------------------------------


def _binds(
    name: str, resolved: ResolvedModule, allowed: Collection[tuple[str, str]]
) -> Iterator[Permission]:
    """What the folders and files of the machine that the service *name* mounts ask for."""
    module, project = resolved.module, resolved.project
    all_of_it = (one for service in project.services.values() for one in _sources(service, project))
    writable = [path for path, is_written in all_of_it if is_written]
    writable += [path for kind, path in allowed if kind in ("bind", "host")]
    for path, is_written in _sources(project.services[name], project):
        if ("host", path) in allowed or _can_become_a_link(path, writable):
            yield Permission("host", path)
        elif _has_socket(path) or (is_written and _is_below(_DATA, path)):
            yield Permission("engine", path)
        elif is_written:
            yield Permission("bind", path)
            if _holds(path, str(module.file)):
                yield Permission("own_file", str(module.file))
        elif _outside(path, module) is not None:
            yield Permission("bind_read_only", path)


def _sources(service: "Service", project: "Project") -> Iterator[tuple[str, bool]]:
    """Each folder or file of the machine that *service* mounts, and whether it can write it."""
    for mount in service.volumes:
        if mount.type in ("bind", "npipe"):
            yield mount.source, not mount.read_only
        elif mount.type == "volume" and mount.source and is_bind(project.volumes[mount.source]):
            device = project.volumes[mount.source].driver_opts.get("device", "")
            yield str(device), not mount.read_only


def _can_become_a_link(path: str, writable: Iterable[str]) -> bool:
    """Whether the engine, which follows *path* again each time that a container starts, may come to
    another place then: something in it is in a *writable* folder, or was not seen by us."""
    if any(_is_below(path, folder) for folder in (*writable, *_data_folders(path))):
        return True
    try:
        os.path.realpath(path, strict=True)
    except PermissionError:
        return True
    except OSError:  # it is not there yet, or on another machine
        pass
    return False


def _data_folders(path: str) -> list[str]:
    """The folder above *path*, if any, in which the engine keeps a volume or a container's
    files."""
    depth = len(PurePath(_DATA).parts) + _DATA_DEPTH
    return [str(PurePath(*PurePath(path).parts[:depth]))] if _is_below(path, _DATA) else []


def _has_socket(path: str) -> bool:
    """Whether *path* is a socket of an engine, or a folder above the usual one."""
    name = PurePath(path.replace("\\", "/")).name
    return name in _SOCKETS or any(_is_below(real_path(one), path) for one in _USUAL_SOCKETS)


def _is_below(path: str, folder: str) -> bool:
    """Whether *path* is in *folder*. Some file systems ignore case."""
    return PurePath(folder.casefold()) in PurePath(path.casefold()).parents


def _holds(folder: str, path: str) -> bool:
    real = real_path(path)
    return _is_below(real, folder) or real.casefold() == folder.casefold()


def _outside(path: str, module: Module) -> str | None:
    """Where *path* leads, if that is outside of *module*'s folder."""
    real, folder = real_path(path), str(module.folder)
    inside = {real_path(folder), os.path.realpath(folder)}
    return None if any(PurePath(real).is_relative_to(one) for one in inside) else real


def _outside_files(resolved: ResolvedModule, opened: AbstractSet[str]) -> set[str]:
    """The files and folders outside of the module's folder whose content it uses: those that were
    opened, and those that will be."""
    module = resolved.module
    paths = {*opened, *module.opened, *resolved.opened, *_resource_files(resolved.project)}
    for service in resolved.project.services.values():
        paths |= {*_build_paths(service.build), *_profiles(service, module)}
    found = {outside for path in paths if (outside := _outside(path, module)) is not None}
    return {path for path in found if found.isdisjoint(map(str, PurePath(path).parents))}


def _resource_files(project: "Project") -> Iterator[str]:
    """The files of configs and secrets; of a folder, also the files in it, which may be links."""
    resources: list[Any] = [*project.configs.values(), *project.secrets.values()]
    for path in (resource.file for resource in resources if resource.file):
        yield path
        if os.path.isdir(path):  # noqa: PTH112 - false, not an error, on odd names
            links = islice(Path(path).rglob("*"), _MAX_FILES)
            yield from (str(link) for link in links if link.is_symlink())


def _build_paths(build: "Build | None") -> Iterator[str]:
    """The context and the Dockerfile of an image that is built from this machine's files."""
    if build is None or not build.context or is_remote(build.context):
        return
    yield build.context
    if build.dockerfile:
        yield str(Path(build.context) / build.dockerfile)


def _profiles(service: "Service", module: Module) -> Iterator[str]:
    """The seccomp profiles that are files."""
    for option in service.security_opt:
        key, _, value = option.replace(":", "=", 1).partition("=")
        if key == "seccomp" and value not in ("", "unconfined", "builtin"):
            yield str(module.folder / value)


# -- secrets --------------------------------------------------------------------------------------


def _used_secrets(catalog: Catalog, resolved: ResolvedModule) -> list[str]:
    """The addresses of the secrets of other modules that get into *resolved*: by its file, or by
    files that this names. Each is replaced by a word that is nowhere else, and looked for."""
    module, readable = resolved.module, catalog.readable_secrets(resolved.module)
    marks = {name: secrets.token_hex(16) for name in readable}
    if not marks:
        return []
    try:
        marked = repr(resolve_with(module, {**resolved.env, **marks}, list(marks.values())).project)
    except CatalogError:  # a path has one, for example
        return sorted(readable.values())
    return sorted(readable[name] for name, mark in marks.items() if mark in marked)
