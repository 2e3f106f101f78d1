"""The outlines of the modules, or the reasons why there are none."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, CatalogError
from aiserver_tray.base.file_version import versions
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.edition import Edition
from aiserver_tray.core.outline_file import OutlineFile
from aiserver_tray.model import ModuleModel
from aiserver_tray.settings.quick import QuickSettings
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
        """The outline of the module *name*."""
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
    known = catalog.modules.get(name)
    if known is None:
        return ModuleModel(name, "feature", problem=why, remedies=remedies)
    return ModuleModel(
        name,
        known.kind,
        problem=why,
        remedies=remedies,
        title=known.title,
        summary=known.summary,
        icon=known.icon,
    )


def _why(error: AiServerError) -> Text:
    """The message of *error* in one line. Of an error in a file, the first problem with its
    place."""
    if not isinstance(error, CatalogError):
        return error.text
    first = error.problems[0]
    return Text("{place}: {why}", place=first.place, why=first.text)
