"""Volumes: make and remove, unless they have another use."""

from aiserver_tray.base.errors import ObjectConflictError, VolumeInUseError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import Volume
from aiserver_tray.operations.preflight.volumes import other_use
from aiserver_tray.spec.model import ModuleTarget, ServiceTarget, VolumeTarget


def make_volume(engine: Engine, module: ModuleTarget, volume: VolumeTarget) -> None:
    """Create the *volume* of *module*, unless it exists.

    Raises:
        AiServerError: the existing one has another use.
    """
    if not _find_volume(engine, module, volume):
        engine.volumes.create(volume.name, volume.body)


def recreate_config_volumes(engine: Engine, module: ModuleTarget, service: ServiceTarget) -> None:
    """Recreate the volumes of the configuration files of *service*.

    Raises:
        AiServerError: an existing one has another use.
    """
    volumes = {volume.name: volume for volume in module.volumes}
    for name in service.config_volumes:
        if _find_volume(engine, module, volumes[name]):
            engine.volumes.remove(name)
        engine.volumes.create(name, volumes[name].body)


def _find_volume(engine: Engine, module: ModuleTarget, volume: VolumeTarget) -> Volume | None:
    """The existing volume that is to be *volume*."""
    found = engine.volumes.find(volume.name)
    if found and (error := other_use(module.module, volume, found.labels)):
        raise error
    return found


def remove_volume(engine: Engine, name: str, module: str) -> None:
    """Remove the volume of *module*.

    Raises:
        VolumeInUseError: a container that stays has it.
        ObjectNotFoundError: there is none.
    """
    try:
        engine.volumes.remove(name)
    except ObjectConflictError:
        users = engine.containers.names_with_volume(name)
        if not users:
            raise
        raise VolumeInUseError(name, module, users) from None
