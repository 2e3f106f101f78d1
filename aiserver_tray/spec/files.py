"""Configuration and secret files of a service, read and ready to be put into its container."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import CatalogError, Place, Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.reader import read_bytes
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.unset import naming
from aiserver_tray.catalog.unsupported import FILE_FOLDERS
from aiserver_tray.spec.model import File
from aiserver_tray.spec.scope import Scope

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.resources import Config, FileMount, Secret

_MODE = 0o444

MAX_BYTES = 64 * 2**20
MAX_FILES = 10_000
"""Limits for the configurations and secrets of one module, which are read into memory. A folder
given by mistake, such as ``/``, would be endless."""


def files(scope: Scope, names: Iterable[str]) -> dict[str, list[File]]:
    """The files of each of the services *names*: configurations, then secrets.

    Raises:
        CatalogError: a file can't be read, they are too many or too big, a variable has no value,
            or a user is no number.
    """
    budget = _Budget()
    return {
        name: [file for source in _sources(scope, name, budget) for file in source.files()]
        for name in names
    }


def _sources(scope: Scope, name: str, budget: "_Budget") -> Iterator["_Source"]:
    service, project = scope.service(name), scope.project
    for section, mounts, resources in (
        ("configs", service.configs, project.configs),
        ("secrets", service.secrets, project.secrets),
    ):
        for mount in mounts:
            yield _Source(
                module=scope.module,
                resource=resources[mount.source],
                mount=mount,
                target=FILE_FOLDERS[section] / (mount.target or mount.source),
                is_secret=section == "secrets",
                place=scope.module.place(section, mount.source),
                used_at=scope.place(name, section),
                budget=budget,
            )


class _Budget:
    """The remaining number of files and bytes."""

    def __init__(self) -> None:
        self._files = MAX_FILES
        self._bytes = MAX_BYTES

    def below(self, folder: Path, place: Place) -> list[Path]:
        """All that is in *folder*, which *place* asks for."""
        found = list(islice(folder.rglob("*"), self._files + 1))
        self._files -= len(found)
        if self._files < 0:
            text = Text(
                "can't read {file}: the configs and secrets of this module have more than {limit} "
                "files and folders. Mount a large folder as a volume instead",
                file=folder,
                limit=MAX_FILES,
            )
            raise CatalogError.at(place, text)
        return sorted(found)

    def read(self, path: Path, place: Place) -> bytes:
        """The content of the file *path*, which *place* asks for."""
        content = read_bytes(path, place)
        self._bytes -= len(content)
        if self._bytes < 0:
            text = Text(
                "can't read {file}: the configs and secrets of this module are larger than "
                "{limit} MiB. Mount a large folder as a volume instead",
                file=path,
                limit=MAX_BYTES // 2**20,
            )
            raise CatalogError.at(place, text)
        return content


@dataclass(frozen=True)
class _Source:
    """The content of a config or secret, and how the service mounts it."""

    module: Module
    resource: "Config | Secret"
    mount: "FileMount"
    target: PurePosixPath
    is_secret: bool
    place: Place
    used_at: Place
    budget: _Budget

    def files(self) -> Iterator[File]:
        """One file, or those of a folder."""
        uid, gid = self._number(self.mount.uid), self._number(self.mount.gid)
        for path, content, mode in self._contents():
            given = mode if self.mount.mode is None else self.mount.mode
            yield File(str(path), content, uid, gid, given, self.is_secret)

    def _contents(self) -> Iterator[tuple[PurePosixPath, bytes, int]]:
        if not self.resource.file:
            yield self.target, self._text().encode(), _MODE
            return
        root = Path(self.resource.file)
        found = self.budget.below(root, self.place) if root.is_dir() else [root]
        for path in (p for p in found if p == root or p.is_file()):
            content = self.budget.read(path, self.place)
            # Compose mounts the file itself, so scripts keep their execute permission.
            executable = path.stat().st_mode & 0o111
            yield self.target.joinpath(*path.relative_to(root).parts), content, _MODE | executable

    def _text(self) -> str:
        variable = self.resource.environment
        value = self.resource.extensions.get("x-#value")
        if "content" in self.resource.model_fields_set:
            value = getattr(self.resource, "content", None)
        if value is None:
            text = Text("expected a value for the variable {name}, found none", name=variable)
            names = [variable] if variable in self.module.settings else []
            raise CatalogError([naming(Problem(self.place, text), self.module, names)])
        return str(value)

    def _number(self, user: str) -> int:
        if not user:
            return 0
        if not (user.isascii() and user.isdecimal()):
            text = Text("expected the numeric ID of a user or group")
            raise CatalogError.at(self.used_at, text)
        return int(user)
