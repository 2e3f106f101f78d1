"""The folders of a catalog: those that may be modules, whether their files have changed, and those
that look like modules.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aiserver_tray.base.errors import Place, Problem
from aiserver_tray.base.file_version import file_version
from aiserver_tray.base.i18n import Text

FOLDERS = ("*", "basic/*", "features/*")
"""Patterns of module folders in a catalog root."""
_LIKELY = ("*compose*.y*ml", "*/*compose*.y*ml", "*/*/*compose*.y*ml")
"""Usual places of Compose files in a project, the nearest first."""


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


def ignored_folders(folders: Iterable[Path], modules: Iterable[Path]) -> Iterator[Problem]:
    """A note for each of *folders* with a Compose file under another name, or deeper inside.
    Folders that contain one of *modules*, or are inside of one, are skipped."""
    taken = set(modules)
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        if any(p.is_relative_to(folder) or folder.is_relative_to(p) for p in taken):
            continue
        if found := _likely(folder):
            taken.add(folder)
            text = Text(
                "{folder} is not a module, because it has no compose.yaml. Create one there with "
                "`include: [{file}]`",
                folder=folder,
                file=found.relative_to(folder).as_posix(),
            )
            yield Problem(Place(found), text)


def _likely(folder: Path) -> Path | None:
    try:
        return next((path for p in _LIKELY for path in sorted(folder.glob(p))), None)
    except OSError:  # no permission
        return None
