"""Room on the disk for the deletion of lines."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiserver_tray.system.files import write_private

RESERVE_BYTES: Final = 8 << 20
"""More than the write-ahead log of SQLite takes for a step of a deletion."""

_LEAST_BYTES: Final = 1 << 20
"""Less than that is given back as a whole."""


class Reserve:
    """A file beside *store* that only takes room. SQLite needs some to delete anything. On a full
    disk, it gets this room."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_suffix(".reserve")

    def release(self) -> bool:
        """Give half of the room back: to open the store takes little, and others may fill the disk
        again before lines are deleted. False if nothing is left."""
        try:
            left = self._path.stat().st_size // 2
            if left < _LEAST_BYTES:
                self._path.unlink()
            else:
                os.truncate(self._path, left)
        except OSError:
            return False
        return True

    def ensure(self) -> None:
        """Take the whole room if the disk has as much."""
        with suppress(OSError):
            if not self._is_whole and shutil.disk_usage(self._path.parent).free >= RESERVE_BYTES:
                # No file system can compress random bytes.
                write_private(self._path, os.urandom(RESERVE_BYTES))

    @property
    def _is_whole(self) -> bool:
        return self._path.exists() and self._path.stat().st_size >= RESERVE_BYTES
