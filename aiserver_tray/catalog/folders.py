"""The folders of a catalog: those that may be modules, whether their files have changed, those that
look like modules, and the files with which built-in modules were started.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice
from pathlib import Path
from shutil import copytree, rmtree
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


def module_folders(roots: Sequence[Path], applied: "Applied | None" = None) -> list[Path]:
    """Possible module folders under *roots*, in order; each once, also if several roots reach
    it. A root itself may be one. One that `is_too_large` has none. Those of the first root, the
    built-in catalog, are as they are *applied*."""
    found = (folders for folders in map(_folders, roots) if len(folders) <= MAX_FOLDERS)
    every = dict.fromkeys(f.resolve() for folders in found for f in folders)
    if applied is None or not roots:
        return [*every]
    own = roots[0].resolve()
    return applied.folders([f for f in every if f.is_relative_to(own)]) + [
        f for f in every if not f.is_relative_to(own)
    ]


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


def stamp(roots: Sequence[Path], applied: "Applied | None" = None) -> str:
    """A value that changes when a module of `module_folders` is added or removed, or a file
    directly in its folder changes."""
    digest = hashlib.sha256()
    for folder in module_folders(roots, applied):
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


class Applied:
    """Copies of the folders of built-in modules in *folder*: the files with which each module was
    started, *without* those of one that is to be as in the application. A newer application with
    other files changes no such module by itself. While an upgrade can be undone, what it has
    replaced is kept under its ID.

    Every change is complete or can be repeated, also after the process was killed. The caller has
    the lock on the module.

    Raises:
        OSError: from every method that changes something: the copy can't be made or removed.
    """

    def __init__(self, folder: Path, without: str = "") -> None:
        self.folder = folder
        self._without = without

    def __contains__(self, module: str) -> bool:
        return module != self._without and (self.folder / module).is_dir()

    def folders(self, packaged: Sequence[Path]) -> list[Path]:
        """*packaged*, the folders of the built-in catalog, with the copies of those that have
        other files by now; and the copies of those that are no longer there."""
        copies = {one.name: one for one in self._copies()}
        found = {one.name: one for one in packaged}
        others = {
            n: c for n, c in copies.items() if n not in found or content(c) != content(found[n])
        }
        return [*(found | dict(sorted(others.items()))).values()]

    def _copies(self) -> Iterator[Path]:
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name in self:
                    yield Path(entry.path).resolve()

    def take(self, module: str, folder: Path) -> None:
        """Keep the files of *folder*, with which *module* was started, unless some are kept."""
        if module in self:
            return
        self._copied(module, folder).rename(self.folder / module)

    def forget(self, module: str) -> None:
        """Let *module* have the files of the application from now on: it has no data any more."""
        if module in self:
            (self.folder / module).rename(gone := self._scratch(module))
            rmtree(gone, ignore_errors=True)

    def swap(self, module: str, folder: Path, id: str) -> None:
        """Give *module* the files of *folder*, and keep those that it has for the upgrade *id*."""
        new, former = self._copied(module, folder), self._former(module, id)
        if not former.exists():
            former.parent.mkdir(exist_ok=True)
            if module in self:
                (self.folder / module).rename(former)
            else:
                former.mkdir()  # it had those of the application
        rmtree(self.folder / module, ignore_errors=True)
        new.rename(self.folder / module)

    def put_back(self, module: str, id: str) -> None:
        """Undo `swap` for the upgrade *id*, if that has begun."""
        former = self._former(module, id)
        if former.exists():
            if module in self:
                rmtree(self.folder / module)
            if any(former.iterdir()):
                former.rename(self.folder / module)
        self.drop(id)

    def drop(self, id: str) -> None:
        """Keep no files for the upgrade *id* any more."""
        rmtree(self._former("", id), ignore_errors=True)

    def _former(self, module: str, id: str) -> Path:
        return self.folder / f".{id}" / module

    def _copied(self, module: str, folder: Path) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self._scratch(module)
        try:
            return Path(copytree(folder, new))
        except OSError:
            rmtree(new, ignore_errors=True)
            raise

    def _scratch(self, module: str) -> Path:
        """A name for a folder of *module* that does not count; without what a killed process left
        there."""
        scratch = self.folder / f".{module}"
        rmtree(scratch, ignore_errors=True)
        return scratch


def content(folder: Path) -> str:
    """A text that changes with the files in *folder*, wherever it is. Reads them only after they
    have changed."""
    files = [Path(at, name) for at, _, names in os.walk(folder) for name in names]
    named = sorted((file.relative_to(folder).as_posix(), file) for file in files)
    return _content(tuple((name, str(file), file_version(file.stat())) for name, file in named))


@lru_cache(maxsize=64)
def _content(files: tuple[tuple[str, str, tuple[int, ...]], ...]) -> str:
    """Of files with their name in the folder, their path and their `file_version`."""
    digest = hashlib.sha256()
    for name, path, _ in files:
        inner = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        digest.update(repr((name, inner)).encode())
    return digest.hexdigest()
