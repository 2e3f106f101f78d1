"""Files that only the user can read, and that are never half written."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_SHARING_RETRIES = 50


def write_private(path: Path, content: bytes) -> None:
    """Write *content* to *path* durably, as a whole or not at all, readable only by the user. The
    caller must hold a lock against other writers.

    Raises:
        OSError: *path* is as it was.
    """
    write_copies([path], content)


def write_copies(paths: Sequence[Path], content: bytes) -> None:
    """Like `write_private`, for each of *paths* in order: at any moment, one of them is complete.
    If the disk is full, none is changed.

    Raises:
        OSError: it was not written.
    """
    scratches = [path.with_name(path.name + ".tmp") for path in paths]
    try:
        for scratch in scratches:
            _write_file(scratch, content)
        for scratch, path in zip(scratches, paths, strict=True):
            _replace(scratch, path)
    except OSError:
        for scratch in scratches:
            scratch.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in paths}:
        _sync_folder(folder)


def open_private(path: Path) -> BinaryIO:
    """Create the file *path*, readable only by the user, for writing.

    Raises:
        OSError: it can't be created, or exists.
    """
    return open(path, "xb", opener=_open_private)


def _write_file(scratch: Path, content: bytes) -> None:
    # A leftover of a killed writer. Created again, so that its mode or a link has no effect.
    scratch.unlink(missing_ok=True)
    with open_private(scratch) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _open_private(path: str, flags: int) -> int:
    if sys.platform != "win32":
        return os.open(path, flags, 0o600)
    import msvcrt  # noqa: PLC0415 - on Windows only

    from win32file import CREATE_NEW, GENERIC_WRITE, CreateFile  # noqa: PLC0415 - on Windows only

    from aiserver_tray.system.windows_owner import (  # noqa: PLC0415 - on Windows only
        as_os_error,
        owners_only,
    )

    with as_os_error(path):
        handle = CreateFile(path, GENERIC_WRITE, 0, owners_only(), CREATE_NEW, 0, None)
    return msvcrt.open_osfhandle(int(handle.Detach()), flags)


def rename_written(source: Path, target: Path) -> None:
    """Give the whole file *source* the name *target*, durably where the file system can: shares
    often can't.

    Raises:
        OSError: both are as they were.
    """
    _replace(source, target)
    with suppress(OSError):
        _sync_folder(target.parent)


def _replace(source: Path, target: Path) -> None:
    """Rename the file. On Windows, wait up to a second for a virus scanner that has *target*
    open."""
    for _ in range(_SHARING_RETRIES if sys.platform == "win32" else 0):
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(0.02)
        else:
            return
    source.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make a rename in *folder* durable. Windows can't open a folder, but NTFS has a journal."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
