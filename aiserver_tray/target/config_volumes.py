"""Where config files of a service with a read-only root go: to volumes mounted at their folders."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from aiserver_tray.errors import CatalogError
from aiserver_tray.i18n import Text
from aiserver_tray.target.model import File
from aiserver_tray.target.names import config_volume_name
from aiserver_tray.target.scope import Scope


def config_volumes(scope: Scope, name: str, files: Iterable[File]) -> dict[str, str]:
    """The volumes that *files* of the service *name* need, by the folder to mount each at.

    Raises:
        CatalogError: a file is wanted where nothing can be written, or on this machine.
    """
    service = scope.service(name)
    mounted = {mount.target: mount for mount in service.volumes}
    folders = set()
    for file in files:
        above = _deepest(file.path, mounted)
        folder = str(PurePosixPath(file.path).parent)
        is_free = above is None and service.read_only
        if above and mounted[above].type == "bind":
            raise _overwriting(scope, name, file, above)
        if (above and mounted[above].read_only) or (is_free and folder == "/"):
            raise _unwritable(scope, name, file)
        if is_free:
            folders.add(folder)
    numbered = enumerate(sorted(folders), 1)
    return {f: config_volume_name(scope.module.name, name, n) for n, f in numbered}


def _deepest(path: str, folders: Iterable[str]) -> str | None:
    above = [folder for folder in folders if PurePosixPath(path).is_relative_to(folder)]
    return max(above, key=len, default=None)


def _overwriting(scope: Scope, name: str, file: File, mount: str) -> CatalogError:
    """The engine writes through a bind mount."""
    text = Text(
        "expected a target outside {mount}, where a folder or file of this machine is mounted: "
        "{target} would be written there",
        mount=mount,
        target=file.path,
    )
    return CatalogError.at(scope.place(name), text)


def _unwritable(scope: Scope, name: str, file: File) -> CatalogError:
    text = Text(
        "expected a target in a folder that can be written or become a volume; {target} lies "
        "directly below / of a read-only service, or below a read-only volume",
        target=file.path,
    )
    return CatalogError.at(scope.place(name), text)
