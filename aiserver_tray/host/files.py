"""Files that only the user can read, and that are never half written."""

import os
import sys
import time
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)
_SHARING_RETRIES = 50


def write_private(path: Path, content: bytes) -> None:
    """Put *content* at *path*, wholly or not at all, durably, with mode 0600 (on Windows under
    the access list of the user's profile). Not for two writers at once: the caller holds a lock.

    Raises:
        OSError: *path* is as it was.
    """
    scratch = path.with_name(path.name + ".tmp")
    # What a killed writer left. Made anew, so that neither its mode nor a link there counts.
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _replace(scratch, path)
    _sync_folder(path.parent)


def _replace(source: Path, target: Path) -> None:
    """Rename; on Windows wait up to a second for a virus scanner that holds *target* open."""
    for _ in range(_SHARING_RETRIES if sys.platform == "win32" else 0):
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(0.02)
        else:
            return
    source.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make a rename in *folder* durable. Windows can't open a folder, and NTFS journals it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
