"""The folders of a catalog's modules, and whether their files have changed. Reads no file."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aiserver_tray.base.file_version import file_version

FOLDERS = ("*", "basic/*", "features/*")
"""Patterns of module folders in a catalog root."""


def module_folders(roots: Sequence[Path]) -> list[Path]:
    """Possible module folders under *roots*, in order; each once, also if several roots reach
    it. A root itself may be one."""
    return list(dict.fromkeys(f.resolve() for root in roots for f in _folders(root)))


def _folders(root: Path) -> list[Path]:
    found = (folder for pattern in FOLDERS for folder in sorted(root.glob(pattern)))
    # os.path's isdir returns False where Path's raises: in a folder without permission.
    return [root, *(folder for folder in found if os.path.isdir(folder))]  # noqa: PTH112


def stamp(roots: Sequence[Path]) -> str:
    """A value that changes when a module under *roots* is added or removed, or a file directly in
    its folder changes."""
    digest = hashlib.sha256()
    for folder in module_folders(roots):
        with suppress(OSError):  # a folder that can't be read can't be loaded either
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                if entry.is_file():
                    digest.update(repr((entry.path, file_version(entry.stat()))).encode())
    return digest.hexdigest()
