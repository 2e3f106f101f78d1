"""The complete body for creating a container, and the hash that detects changes."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aiserver_tray.spec.config import config
from aiserver_tray.spec.digest import digest
from aiserver_tray.spec.host_config import host_config
from aiserver_tray.spec.labels import PAGE, container_labels, requires_label, shared_names_label
from aiserver_tray.spec.model import File, ImageTarget
from aiserver_tray.spec.mounts import mounts, volume_mount
from aiserver_tray.spec.names import SHARED_NETWORK
from aiserver_tray.spec.network import networking
from aiserver_tray.spec.page import published_place
from aiserver_tray.spec.scope import Scope
from aiserver_tray.spec.security import security


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
            **host_config(service, scope.bind, scope.container_of),
            **security(scope, name),
            **modes,
            "Binds": binds or None,
            "Mounts": others + [volume_mount(v, folder) for folder, v in config_volumes.items()],
        },
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    hashed = _hash(body, service.labels, image.name or image.local, files)
    labels = container_labels(scope.module.name, name, scope.owner, hashed, service.labels)
    names = endpoints.get(SHARED_NETWORK, {}).get("Aliases", ())
    labels |= requires_label(scope.requires) | shared_names_label(names)
    bindings = body["HostConfig"]["PortBindings"].values()
    place = published_place(
        scope.open, {bound["HostPort"] for found in bindings for bound in found}
    )
    labels |= {PAGE: place} if place else {}
    return {**body, "Labels": labels}, hashed


def _hash(
    body: Mapping[str, Any],
    labels: Mapping[str, str],
    image: str,
    files: Sequence[File],
) -> str:
    """The hash over everything that requires a new container. It does not include our own labels,
    or how an image is built: the built image's ID shows changes."""
    whole = {
        "body": body,
        "labels": labels,
        "image": image,
        "files": [
            [f.path, hashlib.sha256(f.content).hexdigest(), f.uid, f.gid, f.mode] for f in files
        ],
    }
    return digest(whole)
