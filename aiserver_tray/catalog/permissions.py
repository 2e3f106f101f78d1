"""What a module asks of the machine, beyond containers of its own: the list that a user must allow
before a module that is not built in can start."""

import hashlib
import ipaddress
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.paths import is_remote
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.model import SHARED_NETWORK

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.resources import Mount, Network, Volume
    from aiserver_tray.catalog.compose.service import Service

Kind = Literal[
    "privileged",
    "capability",
    "namespace",
    "security_option",
    "device",
    "engine",
    "bind",
    "bind_read_only",
    "volume",
    "container",
    "network",
    "port",
    "image",
    "file",
    "secret",
]

_TEXTS: Mapping[Kind, Text] = {
    "privileged": Text("run {subject} as a privileged container, which can change this machine"),
    "capability": Text("use the capability {subject}"),
    "namespace": Text("share the {subject} namespace of this machine"),
    "security_option": Text("use the security option {subject}"),
    "device": Text("use the device {subject}"),
    "engine": Text("control the Docker engine, and with it this machine, through {subject}"),
    "bind": Text("read and change {subject}"),
    "bind_read_only": Text("read {subject}"),
    "volume": Text("use the volume {subject}, which is not its own"),
    "container": Text("share namespaces or volumes of the container {subject}"),
    "network": Text("join the network {subject}, which is not its own"),
    "port": Text("publish ports on {subject}, where other machines may reach them"),
    "image": Text("give an image that it builds the name {subject}"),
    "file": Text("read {subject} and use its content"),
    "secret": Text("read the secret {subject}"),
}

_USUAL_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
"""Capabilities that the engine gives each container. Adding one back after ``cap_drop`` asks for
nothing (https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities).
"""
_SOCKETS = frozenset({"docker.sock", "docker_engine", "podman.sock", "containerd.sock"})
_OWN_NETWORKS = frozenset({"", "none", "disabled", "bridge", "default"})
"""Values of ``network_mode`` that connect a container to nothing of other programs."""
_OWN_DRIVERS = frozenset({"", "bridge", "default", "null", "none"})
_MAX_FILES = 10_000
"""Files of a folder that are searched for links; a larger folder can't be a config anyway."""


@dataclass(frozen=True, order=True)
class Permission:
    """One thing that a module asks for. ``subject`` names it: a path, an address, a service."""

    kind: Kind
    subject: str

    @property
    def text(self) -> Text:
        """What the module wants to do."""
        return _TEXTS[self.kind].with_values({"subject": in_line(self.subject)})

    def as_data(self) -> dict[str, Any]:
        """The permission for programs, with its text not rendered yet."""
        return {"kind": self.kind, "subject": self.subject, "text": self.text}


def permissions(catalog: Catalog, resolved: ResolvedModule) -> tuple[Permission, ...]:
    """The permissions that *resolved* asks for, sorted. A built-in module asks for nothing.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    module, project = resolved.module, resolved.project
    if module.name in catalog.built_in:
        return ()
    found = {Permission("secret", address) for address in catalog.readable_secrets(module)}
    found |= {Permission("file", path) for path in _outside_files(resolved)}
    for name, service in project.services.items():
        found.update(_of_service(name, service, module, project))
    return tuple(sorted(found))


def fingerprint(module: Module, asked: Sequence[Permission]) -> str:
    """A hash that stays the same while *module* asks for the same, in the same folder."""
    whole = [str(module.folder), [[one.kind, one.subject] for one in asked]]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _of_service(
    name: str, service: "Service", module: Module, project: "Project"
) -> Iterator[Permission]:
    yield from _lost_isolation(name, service)
    for tag in service.build.tags if service.build else ():
        yield Permission("image", tag)
    yield from _namespaces(service)
    for port in service.ports:
        if port.host_ip and not _is_loopback(port.host_ip):
            yield Permission("port", port.host_ip)
    for mount in service.volumes:
        yield from _of_mount(mount, module, project)
    for network in service.networks:
        yield from _of_network(project.networks[network])


def _lost_isolation(name: str, service: "Service") -> Iterator[Permission]:
    """Less isolation from the machine than other containers have."""
    hooks = (*service.post_start, *service.pre_stop)
    if service.privileged or any(hook.privileged for hook in hooks):
        yield Permission("privileged", name)
    for capability in service.cap_add:
        if capability.upper().removeprefix("CAP_") not in _USUAL_CAPABILITIES:
            yield Permission("capability", capability)
    for option in service.security_opt:
        if not option.startswith("no-new-privileges"):
            yield Permission("security_option", option)
    if service.runtime not in ("", "runc"):
        yield Permission("security_option", f"runtime={service.runtime}")
    for device in _devices(service):
        yield Permission("device", device)


def _devices(service: "Service") -> Iterator[str]:
    yield from (device.source for device in service.devices)
    yield from service.device_cgroup_rules
    resources = service.deploy.resources.reservations if service.deploy else None
    for request in (*service.gpus, *(resources.devices if resources else ())):
        yield ", ".join(filter(None, (request.driver, *request.capabilities))) or "gpu"


def _namespaces(service: "Service") -> Iterator[Permission]:
    modes = {
        "network": service.network_mode,
        "pid": service.pid or "",
        "ipc": service.ipc,
        "uts": service.uts,
        "userns": service.userns_mode,
        "cgroup": service.cgroup,
        "network (build)": service.build.network if service.build else "",
    }
    for name, mode in modes.items():
        kind, _, other = mode.partition(":")
        if kind == "host":
            yield Permission("namespace", name)
        elif kind == "container":
            yield Permission("container", other)
        elif name.startswith("network") and kind not in _OWN_NETWORKS | {"service"}:
            yield Permission("network", mode)
    for source in service.volumes_from:
        kind, _, other = source.partition(":")
        if kind == "container":
            yield Permission("container", other.partition(":")[0])


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _of_mount(mount: "Mount", module: Module, project: "Project") -> Iterator[Permission]:
    if mount.type == "volume" and mount.source:
        yield from _of_volume(mount, project.volumes[mount.source], module)
    elif mount.type in ("bind", "npipe"):
        yield from _of_path(mount.source, mount, module)
    elif mount.type == "cluster":
        yield Permission("volume", mount.source)


def _of_volume(mount: "Mount", volume: "Volume", module: Module) -> Iterator[Permission]:
    given = volume.driver_opts
    kind, device, options = (str(given.get(key, "")) for key in ("type", "device", "o"))
    if volume.external:
        yield Permission("volume", volume.name)
    elif volume.driver not in ("", "local"):
        yield Permission("volume", f"{volume.driver}:{volume.name}")
    elif "bind" in options.split(","):
        yield from _of_path(device, mount, module)
    elif any((kind, device, options)) and not kind == device == "tmpfs":
        # A disk, a network share, or an overlay of other folders, which are in the options.
        yield Permission("volume", " ".join(filter(None, (kind, device, options))))


def _of_path(path: str, mount: "Mount", module: Module) -> Iterator[Permission]:
    if (outside := _outside(path, module)) is None:
        return
    if PurePath(outside.replace("\\", "/")).name in _SOCKETS:
        yield Permission("engine", outside)
    else:
        yield Permission("bind_read_only" if mount.read_only else "bind", outside)


def _of_network(network: "Network") -> Iterator[Permission]:
    if network.external and network.name == "host":
        yield Permission("namespace", "network")
    elif network.external and network.name != SHARED_NETWORK:
        yield Permission("network", network.name)
    elif not network.external and network.driver not in _OWN_DRIVERS:
        yield Permission("network", f"{network.driver}:{network.name}")
    elif any("gateway_mode" in option for option in network.driver_opts):
        # "routed" reaches containers without published ports
        yield Permission("port", network.name)


def _outside(path: str, module: Module) -> str | None:
    """*path*, or the target of its link, if that is outside of *module*'s folder."""
    normal = os.path.normpath(path)
    if not PurePath(normal).is_relative_to(module.folder):
        return path
    real, folder = os.path.realpath(normal), os.path.realpath(module.folder)
    return None if PurePath(real).is_relative_to(folder) else real


def _outside_files(resolved: ResolvedModule) -> set[str]:
    """The files and folders outside of the module's folder whose content it uses."""
    module = resolved.module
    paths = [*map(str, resolved.read), *_resource_files(resolved.project)]
    if not module.declared:
        paths.append(str(module.folder / ".env"))
    for service in resolved.project.services.values():
        paths += [*_build_paths(service), *_profiles(service, module)]
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


def _build_paths(service: "Service") -> Iterator[str]:
    """The context and the Dockerfile of an image that is built from this machine's files."""
    build = service.build
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
