"""Disk use of the engine, and memory and disk of its machine where that is this one."""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Final

from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import DiskUse
from aiserver_tray.system.resources import available_memory, disk_size

MAX_AGE_SECONDS: Final = 600
"""The engine reads every file of its volumes to count them, so it is rarely asked."""


@dataclass(frozen=True, slots=True)
class MachineUse:
    """Bytes on this machine now. ``free`` and ``size``: of the disk that has the engine's files."""

    memory_available: int | None
    disk_free: int | None
    disk_size: int | None


class EngineDisk:
    """The disk use of *engine*, which is asked at most every ten minutes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._found: tuple[float, DiskUse] | None = None

    def use(self, max_age: float = MAX_AGE_SECONDS) -> tuple[float, DiskUse]:
        """When it was counted (seconds since 1970), and the result, which is not older than
        *max_age* seconds.

        Raises:
            EngineDownError, EngineRequestError: it can't be asked.
        """
        with self._lock:
            if self._found is None or not 0 <= time.time() - self._found[0] <= max_age:
                use = self._engine.disk_use()
                self._found = time.time(), use
            return self._found


def machine_use(engine: Engine) -> MachineUse | None:
    """The machine of *engine*, if it is this one.

    Raises:
        EngineDownError: it does not answer.
    """
    info = engine.info()
    if not info.shares_kernel:
        return None
    free, size = disk_size(info.data_root) or (None, None)
    return MachineUse(available_memory(), free, size)
