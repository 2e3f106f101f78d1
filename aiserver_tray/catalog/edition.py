"""The catalog at one time, read when it is needed, and its folders. Needs no model of a file."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aiserver_tray.base.file_version import file_version

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog


class Edition:
    """The catalog in *roots*, read on first use. Its ``stamp`` is older than that, so that changes
    in the meantime are noticed. ``files``: what was read or looked for, with the version that it
    had at first."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.stamp = stamp(roots)
        self.files: dict[str, list[int] | None] = {}
        self.roots = roots
        self._catalog: Catalog | None = None

    def read(self) -> "Catalog":
        """The catalog."""
        if self._catalog is None:
            # A client of a running core only needs the stamp.
            from aiserver_tray.catalog.catalog import load_catalog  # noqa: PLC0415

            with self.noting_files():
                self._catalog = load_catalog(self.roots)
        return self._catalog

    def noting_files(self) -> AbstractContextManager[None]:
        """Add the files that the block reads to ``files``."""
        from aiserver_tray.catalog.compose.reader import noting_files  # noqa: PLC0415

        return noting_files(self.files)


# -- folders of a catalog -------------------------------------------------------------------------
# Reads no file.


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
