"""Parts of Compose files that modules can't use: the file loads, `catalog check` reports them, and
the module can't start. The list for users is in ``docs/catalog.md``."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import OWN_IMAGES, own_image
from aiserver_tray.catalog.compose.keypath import value_at
from aiserver_tray.catalog.compose.paths import is_remote
from aiserver_tray.catalog.modules import Module

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.resources import Volume
    from aiserver_tray.catalog.compose.service import Service

SERVICE_KEYS = (
    "develop",  # watching files is a developer's tool
    "credential_spec",  # Windows containers
    "deploy.placement",  # the rest of deploy: a cluster of engines
    "deploy.update_config",
    "deploy.rollback_config",
    "deploy.endpoint_mode",
    # Only BuildKit's own protocol has them; the engine's build request has not.
    "build.additional_contexts",
    "build.cache_to",
    "build.entitlements",
    "build.privileged",
    "build.secrets",
    "build.ssh",
)

FILE_KEYS = ("external", "driver", "driver_opts", "template_driver")
"""Keys of a secret or config; an external one is in a cluster's store."""
FILE_FOLDERS = {"configs": PurePosixPath("/"), "secrets": PurePosixPath("/run/secrets")}
"""Folder of a config or secret whose target is no absolute path."""


def unsupported(module: Module, project: "Project") -> list[Problem]:
    """Every unsupported key of *module*."""
    model = project.to_compose()
    paths = [
        *(
            ("services", name, *key.split("."))
            for name, service in model["services"].items()
            for key in _service_keys(service)
        ),
        *(
            ("services", name, "volumes", str(index), "bind", "selinux")
            for name, service in project.services.items()
            for index in _unlabelled(service)
        ),
        *(
            ("services", name, *key)
            for name, service in project.services.items()
            for key in _reserved_images(service)
        ),
        *(
            (section, name, key)
            for section in ("secrets", "configs")
            for name, resource in model.get(section, {}).items()
            for key in FILE_KEYS
            if resource.get(key)
        ),
        *_newer(project),
    ]
    return [Problem(module.place(*path), _remedy(path)) for path in paths]


def _remedy(path: tuple[str, ...]) -> Text:
    if path[-2:] == ("build", "context"):
        return Text(
            "building from a URL is not supported, so this module can't start. Clone the "
            "repository and use its folder as the context"
        )
    if path[2:] == ("image",) or path[2:4] == ("build", "tags"):
        return Text(
            "image names that begin with {prefix} are only for images that AI-Server Tray builds, "
            "so this module can't start. Use another name",
            prefix=OWN_IMAGES,
        )
    if path[0] in FILE_FOLDERS:
        return Text(
            "this is not supported, so this module can't start. Define the content with file, "
            "content or environment"
        )
    return Text(
        "this is not supported, so this module can't start. Remove it here, or in "
        "compose.override.yaml with `{key}: !reset null`",
        key=path[-1],
    )


def _service_keys(service: Mapping[str, Any]) -> Iterator[str]:
    for key in SERVICE_KEYS:
        if value_at(service, key.split(".")):
            yield key
    deploy = service.get("deploy") or {}
    if str(deploy.get("mode", "")).startswith("global"):
        yield "deploy.mode"
    if _is_built_from_url(service):
        yield "build.context"
    if len((service.get("build") or {}).get("platforms", ())) > 1:
        yield "build.platforms"
    if service.get("scale", 1) > 1:
        yield "scale"
    elif deploy.get("replicas", 1) > 1:
        yield "deploy.replicas"


def _is_built_from_url(service: Mapping[str, Any]) -> bool:
    """Whether it is built from a URL. An image that is pulled instead does not count."""
    is_pulled = service.get("image") and service.get("pull_policy") != "build"
    context = (service.get("build") or {}).get("context", "")
    return not is_pulled and is_remote(context)


def _reserved_images(service: "Service") -> Iterator[tuple[str, ...]]:
    """Names by which it could replace or use an image that is built for another module."""
    if own_image(service.image):
        yield ("image",)
    for index, tag in enumerate(service.build.tags if service.build else ()):
        if own_image(tag):
            yield "build", "tags", str(index)


def _newer(project: "Project") -> Iterator[tuple[str, ...]]:
    """Keys of API 1.48 (https://docs.docker.com/reference/api/engine/version-history/): with the
    older version that we use, the engine ignores them."""
    for name, service in project.services.items():
        for key, attachment in service.networks.items():
            if attachment and attachment.gw_priority:
                yield "services", name, "networks", key, "gw_priority"
    for key, network in project.networks.items():
        if network.enable_ipv4 is False and not network.external:
            yield "networks", key, "enable_ipv4"


def _unlabelled(service: "Service") -> Iterator[int]:
    """Bind mounts with an SELinux label and an option that the engine supports only for mounts
    without one."""
    for index, mount in enumerate(service.volumes):
        options = mount.bind
        if options and options.selinux:
            must_be_there = "create_host_path" in options.model_fields_set
            if options.recursive or (must_be_there and not options.create_host_path):
                yield index


def hidden_configs(module: Module, project: "Project") -> list[Problem]:
    """Configuration and secret files below a tmpfs: they are put into the container before it
    starts, and the tmpfs is mounted over them."""
    text = Text("expected a target outside the tmpfs {tmpfs}, which hides {target}")
    return [
        Problem(
            module.place("services", name, section),
            text.with_values({"tmpfs": mount, "target": target}),
        )
        for name, service in project.to_compose()["services"].items()
        for section, folder in FILE_FOLDERS.items()
        for target in _targets(service.get(section, ()), folder)
        for mount in _tmpfs(service)
        if PurePosixPath(target).is_relative_to(mount)
    ]


def climbing_paths(module: Module, project: "Project") -> list[Problem]:
    """Absolute paths with ``..``: a link before it would lead elsewhere than the text says. In a
    relative path, ``..`` is resolved as text, as by Compose."""
    text = Text(
        "expected a path without .., because a link before it may lead elsewhere. Write the path "
        "that you mean, or begin with ./ or ../"
    )
    return [
        Problem(module.place(*place), text)
        for place, path in _paths(project)
        if ".." in re.split(r"[\\/]", path)
    ]


def relative_devices(module: Module, project: "Project") -> list[Problem]:
    """Folders of volumes without a full path: the engine would take them from the folder in which
    it runs, usually ``/``."""
    return [
        Problem(module.place(*place), Text("expected a full path, found {found!r}", found=device))
        for place, device in _devices(project)
        if not (PurePosixPath(device).is_absolute() or PureWindowsPath(device).is_absolute())
    ]


def _paths(project: "Project") -> Iterator[tuple[tuple[str, ...], str]]:
    """The paths in *project*, which are absolute by now, each with its place."""
    for name, service in project.services.items():
        for index, mount in enumerate(service.volumes):
            if mount.type == "bind":
                yield ("services", name, "volumes", str(index)), mount.source
        if service.build and not is_remote(service.build.context):
            yield ("services", name, "build", "context"), service.build.context
    yield from _devices(project)
    for section in FILE_FOLDERS:
        for name, resource in getattr(project, section).items():
            yield (section, name, "file"), resource.file


def _devices(project: "Project") -> Iterator[tuple[tuple[str, ...], str]]:
    """The folders that volumes are, each with its place."""
    for name, volume in project.volumes.items():
        if is_bind(volume):
            device = str(volume.driver_opts.get("device", ""))
            yield ("volumes", name, "driver_opts", "device"), device


def is_bind(volume: "Volume") -> bool:
    """Whether *volume* is a folder of the machine, by the local driver's options."""
    return "bind" in str(volume.driver_opts.get("o", "")).split(",")


def _targets(mounts: Iterable[Mapping[str, Any]], folder: PurePosixPath) -> list[str]:
    return [str(folder / (mount.get("target") or mount["source"])) for mount in mounts]


def _tmpfs(service: Mapping[str, Any]) -> list[str]:
    short = [entry.partition(":")[0] for entry in service.get("tmpfs", ())]
    long = [v["target"] for v in service.get("volumes", ()) if v["type"] == "tmpfs"]
    return [*short, *long]
