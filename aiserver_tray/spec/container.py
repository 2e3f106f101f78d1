"""The complete body for creating a container, and the hash that detects changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.reader import read_bytes
from aiserver_tray.catalog.extension import stated
from aiserver_tray.spec.config import config
from aiserver_tray.spec.host_config import host_config
from aiserver_tray.spec.labels import (
    PAGE,
    container_labels,
    digest,
    requires_label,
    shared_names_label,
)
from aiserver_tray.spec.model import File, ImageTarget
from aiserver_tray.spec.mounts import mounts, volume_mount
from aiserver_tray.spec.network import networking, shared_names
from aiserver_tray.spec.page import published_place
from aiserver_tray.spec.scope import Scope


def container(
    scope: Scope,
    name: str,
    image: ImageTarget,
    files: Sequence[File],
    config_volumes: Mapping[str, str],
) -> tuple[dict[str, Any], str]:
    """The body for the service *name* without ``Image``, and the hash of its configuration.
    ``Platform`` in it is a parameter of the request. *config_volumes* are by folder.

    Raises:
        CatalogError: a security option is wrong.
    """
    service = scope.service(name)
    binds, others = mounts(scope, name)
    modes, endpoints = networking(scope, name)
    body = {
        **config(service),
        "Platform": service.platform,
        "HostConfig": {
            **host_config(service, scope.bind, scope.container_of, scope.least_log_size),
            **security(scope, name),
            **modes,
            "Binds": binds or None,
            "Mounts": others + [volume_mount(v, folder) for folder, v in config_volumes.items()],
        },
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    # Others are not part of the hash, because they belong to this machine.
    own = {} if scope.proxies is None else {"Proxies": scope.proxies}
    hashed = _hash({**body, **own}, service.labels, image.display_name, files)
    labels = container_labels(scope.module.name, name, scope.owner, hashed, service.labels)
    required = stated(service.extensions).waited_for(scope.requires)
    labels |= requires_label(required) | shared_names_label(shared_names(body))
    bindings = body["HostConfig"]["PortBindings"].values()
    ports = {bound["HostPort"] for found in bindings for bound in found}
    if place := published_place(scope.open, ports):
        labels[PAGE] = place
    return {**body, "Labels": labels}, hashed


def _hash(
    body: Mapping[str, Any], labels: Mapping[str, str], image: str, files: Sequence[File]
) -> str:
    """The hash over everything that requires a new container. It does not include our own labels,
    or how an image is built: the built image's ID shows changes."""
    read = [[f.path, hashlib.sha256(f.content).hexdigest(), f.uid, f.gid, f.mode] for f in files]
    return digest({"body": body, "labels": labels, "image": image, "files": read})


_ALL_PATHS = "systempaths=unconfined"


def security(scope: Scope, name: str) -> dict[str, Any]:
    """``SecurityOpt`` of the service *name*, with the content of a seccomp profile's file, and the
    masked and read-only paths that follow from it.

    Raises:
        CatalogError: an option is none, or a profile can't be read.
    """
    place = scope.place(name, "security_opt")
    given = scope.service(name).security_opt
    options = [_option(o, scope.module.folder, place) for o in given if o != _ALL_PATHS]
    shown: dict[str, Any] = {"MaskedPaths": [], "ReadonlyPaths": []} if _ALL_PATHS in given else {}
    return {"SecurityOpt": options or None, **shown}


def _option(option: str, folder: Path, place: Place) -> str:
    key, _, value = option.partition("=") if "=" in option else option.partition(":")
    if not value and option != "no-new-privileges":
        text = Text("expected an option such as no-new-privileges:true")
        raise CatalogError.at(place, text)
    if key != "seccomp" or value in ("unconfined", "builtin"):
        return option
    return f"seccomp={_profile(folder / value, place)}"


def _profile(path: Path, place: Place) -> str:
    try:
        return json.dumps(json.loads(read_bytes(path, place)), separators=(",", ":"))
    except (ValueError, RecursionError):
        text = Text("expected a seccomp profile in JSON in {file}", file=path)
        raise CatalogError.at(place, text) from None
