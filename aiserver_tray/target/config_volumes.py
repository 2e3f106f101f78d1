"""Where config files of a service with a read-only root go: to volumes mounted at their folders."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from aiserver_tray.errors import CatalogError
from aiserver_tray.i18n import Text
from aiserver_tray.target.model import File
from aiserver_tray.target.names import config_volume_name
from aiserver_tray.target.scope import Scope


def placed(
    scope: Scope, name: str, files: Iterable[File]
) -> tuple[tuple[File, ...], Mapping[str, str]]:
    """*files* of the service *name* with their roots, and the volumes that they need, by folder.

    Raises:
        CatalogError: a file is wanted where nothing can be written.
    """
    service = scope.service(name)
    roots = {mount.target: mount.read_only for mount in service.volumes}
    found = []
    folders: dict[str, None] = {}
    for file in files:
        root = _deepest(file.path, roots)
        if root is not None and roots[root]:
            raise _unwritable(scope, name, file)
        if root is None and service.read_only:
            root = str(PurePosixPath(file.path).parent)
            if root == "/":
                raise _unwritable(scope, name, file)
            folders[root] = None
        found.append(replace(file, root=root or "/"))
    numbered = enumerate(sorted(folders), 1)
    return tuple(found), {f: config_volume_name(scope.module.name, name, n) for n, f in numbered}


def _deepest(path: str, roots: Iterable[str]) -> str | None:
    above = [root for root in roots if PurePosixPath(path).is_relative_to(root)]
    return max(above, key=len, default=None)


def _unwritable(scope: Scope, name: str, file: File) -> CatalogError:
    text = Text(
        "expected a target in a folder that can be written or become a volume; {target} lies "
        "directly below / of a read-only service, or below a read-only volume",
        target=file.path,
    )
    return CatalogError.at(scope.place(name), text)
