"""Folders that only an image declares as volumes. No file names them, but they have data."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace

from aiserver_tray.base.errors import AiServerError, ObjectNotFoundError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.cluster.managers import Managers
from aiserver_tray.features.cluster.state import Seen
from aiserver_tray.spec.model import ModuleTarget, ServiceTarget
from aiserver_tray.spec.mounts import with_image_volumes
from aiserver_tray.spec.names import anonymous_volume_name

Folders = Callable[[ServiceTarget], Collection[str] | None]
"""The folders that the image of a service declares. None: they are not known."""


def with_declared(target: ModuleTarget, folders: Folders) -> tuple[ModuleTarget, list[str]]:
    """*target* with a volume for each of *folders* that has no mount, and the images whose folders
    are not known."""
    services, volumes, unknown = [], [*target.volumes], []
    for one in target.services:
        if (declared := folders(one)) is None:
            unknown.append(one.image.display_name)
        body, more = with_image_volumes(one, declared or (), (), {})
        names = [volume.name for volume in more]
        services.append(replace(one, body=body, volumes=(*one.volumes, *names)))
        volumes += more
    return replace(target, services=tuple(services), volumes=tuple(volumes)), unknown


def on_engine(engine: Engine) -> Folders:
    """As the images on *engine* say."""

    def folders(one: ServiceTarget) -> Collection[str] | None:
        with suppress(AiServerError):
            for name, labels in one.image.candidates.items():
                if image := engine.images.find(name, labels):
                    return image.volumes
        return None

    return folders


def on_cluster(managers: Managers, seen: Seen, engine: Engine | None) -> Folders:
    """As the images on *engine* say, or on a manager; else as the service on the cluster has them:
    an update must not lose the volume that it has."""
    here: Folders = on_engine(engine) if engine else lambda _: None

    def folders(one: ServiceTarget) -> Collection[str] | None:
        if (found := here(one)) is not None:
            return found
        with suppress(ObjectNotFoundError):
            config = managers.get("/images/{}/json", one.image.display_name)["Config"]
            return [*(config.get("Volumes") or ())]
        if (service := seen.service(one.container)) is None:
            return None
        mounts = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Mounts") or ()
        named = {(m.get("Source"), m["Target"]) for m in mounts}
        return [
            folder
            for name, folder in named
            if name == anonymous_volume_name(one.module, one.service, folder)
        ]

    return folders
