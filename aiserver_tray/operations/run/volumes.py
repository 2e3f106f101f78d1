"""Volumes: remove, unless they are in use."""

from aiserver_tray.base.errors import ObjectConflictError, VolumeInUseError
from aiserver_tray.engine.engine import Engine


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
