"""The folders of a catalog: those that may be modules, whether their files have changed, and those
that look like modules.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Final

from aiserver_tray.base.errors import Place, Problem
from aiserver_tray.base.file_version import file_version
from aiserver_tray.base.i18n import Text

FOLDERS = ("*", "basic/*", "features/*")
"""Patterns of module folders in a catalog root."""
MAX_FOLDERS: Final = 1000
"""A root with as many is no catalog: it would be searched every few seconds."""
_LIKELY: Final = "*compose*.y*ml"
_DEPTH: Final = 3
"""Levels of a project at which Compose files usually are."""
_MAX_ENTRIES: Final = 10_000
"""Files and folders in which such files are looked for, in all folders of a catalog."""


def module_folders(roots: Sequence[Path]) -> list[Path]:
    """Possible module folders under *roots*, in order; each once, also if several roots reach
    it. A root itself may be one. One that `is_too_large` has none."""
    found = (folders for folders in map(_folders, roots) if len(folders) <= MAX_FOLDERS)
    return list(dict.fromkeys(f.resolve() for folders in found for f in folders))


def is_too_large(root: Path) -> bool:
    """Whether *root* has more folders than a catalog."""
    return len(_folders(root)) > MAX_FOLDERS


def is_whole(root: Path) -> bool:
    """Whether the modules under *root* can be found now. An empty folder may be the place of a
    drive that is away."""
    try:
        inner = (root / name for name in ("basic", "features"))
        for folder in (f for f in inner if f.exists()):
            os.scandir(folder).close()
        return any(root.iterdir()) and not is_too_large(root)
    except OSError:
        return False


def _folders(root: Path) -> list[Path]:
    found = [root]
    for pattern in FOLDERS:
        # os.path's isdir returns False where Path's raises: in a folder without permission.
        inner = (f for f in root.glob(pattern) if os.path.isdir(f))  # noqa: PTH112
        found += sorted(islice(inner, MAX_FOLDERS))
    return found


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


def ignored_folders(folders: Iterable[Path], modules: Iterable[Path]) -> Iterator[Problem]:
    """A note for each of *folders* with a Compose file under another name, or deeper inside.
    Folders that contain one of *modules*, or are inside of one, are skipped."""
    taken = set(modules)
    above = {parent for folder in taken for parent in folder.parents}
    search = _Search()
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        if folder in above or not taken.isdisjoint((folder, *folder.parents)):
            continue
        if found := search.likely(folder):
            taken.add(folder)
            above.update(folder.parents)
            text = Text(
                "{folder} is not a module, because it has no compose.yaml. Create one there with "
                "`include: [{file}]`",
                folder=folder,
                file=found.relative_to(folder).as_posix(),
            )
            yield Problem(Place(found), text)


class _Search:
    """Looks for Compose files at their usual places. Any folder may be given as a catalog, so the
    search has a limit and follows no links."""

    def __init__(self) -> None:
        self._left = _MAX_ENTRIES

    def likely(self, folder: Path) -> Path | None:
        """The nearest one in *folder*."""
        level = [str(folder)]
        for _ in range(_DEPTH):
            entries = [entry for place in level for entry in self._entries(place)]
            level = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            for entry in entries:
                if fnmatchcase(entry.name, _LIKELY) and entry.path not in level:
                    return Path(entry.path)
        return None

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        with suppress(OSError), os.scandir(folder) as entries:  # no permission
            found = sorted(islice(entries, self._left), key=lambda entry: entry.name)
        self._left -= len(found)
        return found


def inner_folders(folder: Path) -> list[Path]:
    """The folders in *folder*, by name, without hidden ones; those of the first entries, if there
    are too many.

    Raises:
        OSError: it can't be read.
    """
    with os.scandir(folder) as entries:
        found = [Path(entry) for entry in islice(entries, _MAX_ENTRIES) if _is_shown_folder(entry)]
    return sorted(found, key=lambda path: path.name.casefold())[:MAX_FOLDERS]


def _is_shown_folder(entry: os.DirEntry[str]) -> bool:
    try:
        if entry.name.startswith(".") or not entry.is_dir():
            return False
        attributes = getattr(entry.stat(), "st_file_attributes", 0)
    except OSError:  # a link to nowhere, or no permission
        return False
    return not attributes & stat.FILE_ATTRIBUTE_HIDDEN
