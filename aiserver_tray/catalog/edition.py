"""The catalog at one time, read when it is needed, and its folders. Needs no model of a file."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from aiserver_tray.catalog.folders import Applied, stamp

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog


class Edition:
    """The catalog in *roots*, with built-in modules as they are *applied*, read on first use. Its
    ``stamp`` is older than that, so that changes in the meantime are noticed. ``files``: what was
    read or looked for, with the version that it had at first."""

    def __init__(self, roots: Sequence[Path], applied: Applied | None = None) -> None:
        self.stamp = stamp(roots, applied)
        self.files: dict[str, list[int] | None] = {}
        self.roots = roots
        self._applied = applied
        self._catalog: Catalog | None = None

    def read(self) -> "Catalog":
        """The catalog."""
        if self._catalog is None:
            # A client of a running core only needs the stamp.
            from aiserver_tray.catalog.catalog import load_catalog  # noqa: PLC0415

            with self.noting_files():
                self._catalog = load_catalog(self.roots, self._applied)
        return self._catalog

    def noting_files(self) -> AbstractContextManager[None]:
        """Add the files that the block reads to ``files``."""
        from aiserver_tray.catalog.compose.reader import noting_files  # noqa: PLC0415

        return noting_files(self.files)
