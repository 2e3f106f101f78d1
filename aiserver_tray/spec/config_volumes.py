"""Volumes for the configuration files of services with a read-only root, mounted at their
folders."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.spec.model import File
from aiserver_tray.spec.names import config_volume_name
from aiserver_tray.spec.scope import Scope

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.resources import Mount


def config_volumes(scope: Scope, name: str, files: Iterable[File]) -> dict[str, str]:
    """The volumes for *files* of the service *name*, by mount folder.

    Raises:
        CatalogError: a file is wanted where nothing can be written, or on this machine.
    """
    service = scope.service(name)
    mounted = {mount.target: mount for mount in service.volumes}
    shared = {mount.target: mount for mount in _with_shared(scope, name)}
    folders = set()
    for file in files:
        above = _deepest(file.path, mounted)
        folder = str(PurePosixPath(file.path).parent)
        is_free = above is None and service.read_only
        beneath = None if is_free else _deepest(file.path, shared)
        if beneath and shared[beneath].type == "bind":
            raise _overwriting(scope, name, file, beneath)
        if (above and mounted[above].read_only) or (is_free and folder == "/"):
            raise _unwritable(scope, name, file)
        if is_free:
            folders.add(folder)
    numbered = enumerate(sorted(folders), 1)
    return {f: config_volume_name(scope.module.name, name, n) for n, f in numbered}


def _with_shared(scope: Scope, name: str) -> Iterator["Mount"]:
    """The mounts of the service *name*, after those of the services whose volumes it takes."""
    for source in scope.service(name).volumes_from:
        other = source.partition(":")[0]
        if other in scope.project.services:
            yield from _with_shared(scope, other)
    yield from scope.service(name).volumes


def _deepest(path: str, folders: Iterable[str]) -> str | None:
    above = [folder for folder in folders if PurePosixPath(path).is_relative_to(folder)]
    return max(above, key=len, default=None)


def _overwriting(scope: Scope, name: str, file: File, mount: str) -> CatalogError:
    """The engine writes through a bind mount."""
    text = Text(
        "expected a target outside {mount}, because a folder or file of this machine is mounted "
        "there and {target} would be written to it",
        mount=mount,
        target=file.path,
    )
    return CatalogError.at(scope.place(name), text)


def _unwritable(scope: Scope, name: str, file: File) -> CatalogError:
    text = Text(
        "expected a target in a writable folder, or in a folder that can be a volume; {target} "
        "is directly below / of a read-only service, or below a read-only volume",
        target=file.path,
    )
    return CatalogError.at(scope.place(name), text)
