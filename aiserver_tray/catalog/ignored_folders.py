"""Folders that look like modules and are none, since no file in them has a name that counts."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from aiserver_tray.base.errors import Place, Problem
from aiserver_tray.base.i18n import Text

_LIKELY = ("*compose*.y*ml", "*/*compose*.y*ml", "*/*/*compose*.y*ml")
"""Usual places of Compose files in a project, the nearest first."""


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
