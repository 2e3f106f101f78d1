"""The outlines of the modules, or the reasons why there are none."""

import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aiserver_tray import __version__
from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, CatalogError
from aiserver_tray.base.file_version import Versions, are_current, last_change, versions
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.edition import Edition
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.settings.quick import QuickSettings
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import Home

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.settings.declared import Declared
    from aiserver_tray.settings.store import Settings

_logger = logging.getLogger(__name__)


class Installation(Protocol):
    """The catalog and the settings that the outlines come from."""

    @property
    def home(self) -> Home: ...
    @property
    def edition(self) -> Edition: ...
    @property
    def quick_settings(self) -> QuickSettings: ...
    @property
    def settings(self) -> "Settings": ...
    def in_scope(self, module: "Module", /) -> "Declared": ...


class Outlines:
    """The outlines of all modules of *installation*, read from its home folder while no file that
    they come from has changed."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._file = OutlineFile(installation.home.folder)

    @property
    def stored(self) -> Mapping[str, ModuleModel] | None:
        """The outlines in the home folder. None if the catalog must be read."""
        return self._file.read(self._stamp)

    @property
    def names(self) -> tuple[str, ...]:
        """Every module's name, also of those whose file is wrong."""
        if known := self.stored:
            return tuple(known)
        catalog = self._installation.edition.read()
        # Broken modules that are named by their folder are no modules of their own.
        broken = (name for name in catalog.broken if Path(name).name == name)
        return (*catalog.modules, *broken)

    def one(self, name: str) -> ModuleModel:
        if (known := self.stored) and name in known:
            return known[name]
        return self._made(name)

    def all(self) -> tuple[ModuleModel, ...]:
        """The outlines of all modules, stored for the next process."""
        known = self.stored
        if known is None:
            edition = self._installation.edition
            stored = versions(self._installation.quick_settings.files)
            with edition.noting_files():
                known = {name: self._made(name) for name in self.names}
            self._file.write(self._stamp, known, {**stored, **edition.files})
        return tuple(known.values())

    @property
    def _stamp(self) -> list[str]:
        edition = self._installation.edition
        return [*map(str, edition.roots), edition.stamp]

    def _made(self, name: str) -> ModuleModel:
        own = self._installation
        return outline_of(
            own.edition.read(),
            name,
            lambda module: own.settings.masked(own.in_scope(module)),
            lambda: own.settings.app.bind,
        )


def outline_of(
    catalog: "Catalog",
    name: str,
    values: "Callable[[Module], Mapping[str, str]]",
    bind: Callable[[], str],
) -> ModuleModel:
    """The outline of the module *name* with the *values* of its settings. Its ports are published
    on *bind*."""
    from aiserver_tray.catalog.resolve import outline  # noqa: PLC0415
    from aiserver_tray.spec.outline import module_model  # noqa: PLC0415

    try:
        module = catalog.module(name)
        return module_model(outline(catalog, module, values(module)), bind())
    except AiServerError as error:
        why, remedies = _why(error), error.remedies
    except Exception as bug:  # noqa: BLE001 - one file must not take all modules away
        log_bug(_logger, f"the outline of {name} failed", bug)
        why, remedies = bug_error(bug).text, ()
    model = ModuleModel(name, "feature", problem=why, remedies=remedies)
    if own := catalog.modules.get(name):
        return replace(model, kind=own.kind, title=own.title, summary=own.summary, icon=own.icon)
    return model


def _why(error: AiServerError) -> Text:
    """The message of *error* in one line. Of an error in a file, the first problem with its
    place."""
    if not isinstance(error, CatalogError):
        return error.text
    first = error.problems[0]
    return Text("{place}: {why}", place=first.place, why=first.text)


Models = Mapping[str, ModuleModel]
"""By name, in the order of the catalog."""

NAME = "outlines.json"

_SETTLED_SECONDS = 4.0
"""Seconds after a change in which another one may keep the same time stamp (FAT: 2 s), and in which
the outlines are made."""


class OutlineFile:
    """The outlines of all modules, in a file of *folder*: while no file that they come from has
    changed, a command that only shows or stops modules need not read the catalog. *stamp* is that
    of the catalog: any JSON."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._known: tuple[object, Versions, Models] | None = None

    def read(self, stamp: object) -> Models | None:
        """The outlines of this *stamp*. None if there are none, or one of their files has
        changed."""
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, *self._content(stamp))
        _, files, models = self._known
        return models if models and are_current(files) else None

    def write(self, stamp: object, models: Models, files: Versions) -> None:
        """Store *models*, which were made from *files* of these versions. Does nothing if a module
        has a problem, if one of the files has just changed, or if the home is read-only."""
        if any(model.problem for model in models.values()) or not _is_settled(files):
            return
        payload = json.dumps({"files": files, "models": [*map(asdict, models.values())]})
        # Without a lock: if two processes write at once and damage the file, its seal shows that.
        with suppress(OSError):
            write_private(self._path, f"{_seal(stamp, payload)}\n{payload}".encode())
        self._known = None

    def _content(self, stamp: object) -> tuple[Versions, Models]:
        with suppress(OSError, ValueError):
            seal, _, payload = self._path.read_text(encoding="utf-8").partition("\n")
            if seal == _seal(stamp, payload):
                content = json.loads(payload)
                return content["files"], {m["name"]: _model(m) for m in content["models"]}
        return {}, {}


def _seal(stamp: object, payload: str) -> str:
    """A hash that differs for damaged content, another stamp, and other versions of the code."""
    made_by = [__version__, sys.version, ModuleModel.__slots__, ServiceModel.__slots__]
    return hashlib.sha256(json.dumps([made_by, stamp, payload]).encode()).hexdigest()


def _model(found: Mapping[str, Any]) -> ModuleModel:
    services = tuple(
        ServiceModel(**{**one, **_tuples(one, "depends_on", "checked")})
        for one in found["services"]
    )
    lists = {**_tuples(found, "requires", "remedies"), "pages": tuple(map(tuple, found["pages"]))}
    return ModuleModel(**{**found, **lists, "services": services})


def _tuples(found: Mapping[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(found[name]) for name in names}


def _is_settled(files: Versions) -> bool:
    settled = time.time_ns() - _SETTLED_SECONDS * 1e9
    return last_change(files) < settled and are_current(files)
