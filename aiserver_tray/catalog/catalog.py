"""All modules: the catalog folders, the modules' dependencies, and the setting of each
``${NAME}``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError as GraphCycle
from graphlib import TopologicalSorter
from pathlib import Path

from aiserver_tray.base.errors import (
    CatalogError,
    CycleError,
    MissingError,
    Place,
    Problem,
    UnknownNameError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.files import find_compose_file
from aiserver_tray.catalog.folders import MAX_FOLDERS, Applied, is_too_large, module_folders
from aiserver_tray.catalog.modules import Module, load_module
from aiserver_tray.catalog.setting import Setting

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")

APP = "app"
"""The first part of the addresses of the app's own settings. No module may have this name."""


@dataclass(frozen=True)
class Catalog:
    """All modules, and the problems of those that can't be used."""

    modules: Mapping[str, Module]
    """By name, in the order found."""
    broken: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    """By name, or by folder if the name is taken or not valid."""
    empty: Sequence[Path] = ()
    """Possible module folders without a Compose file."""
    built_in: frozenset[str] = frozenset()
    """The modules that come with the application."""

    @property
    def problems(self) -> list[Problem]:
        """All problems of modules that can't be used."""
        return [problem for found in self.broken.values() for problem in found]

    def module(self, name: str) -> Module:
        """The module *name*.

        Raises:
            CatalogError: its file is wrong.
            UnknownNameError: there is none; names similar ones.
        """
        if name in self.modules:
            return self.modules[name]
        if name in self.broken:
            raise CatalogError(self.broken[name])
        raise UnknownNameError(name, list(self.modules))

    @cached_property
    def declared(self) -> dict[str, Setting]:
        """Every module's settings by address (``module.NAME``)."""
        return {
            f"{module.name}.{name}": setting
            for module in self.modules.values()
            for name, setting in module.settings.items()
        }

    @cached_property
    def defaults(self) -> dict[str, str]:
        """The default values by address; a secret has none."""
        return {
            address: setting.initial
            for address, setting in self.declared.items()
            if setting.initial is not None
        }

    def scope(self, module: Module) -> dict[str, str]:
        """The address that each NAME means in *module*'s file: its own settings first, then those
        of the modules that it requires, without the secrets that these do not share.

        Raises:
            CatalogError: two required modules declare a NAME that the file uses, or none does, or
                it is a secret that is not shared.
            MissingError: a required module is not in the catalog.
        """
        own = {name: f"{module.name}.{name}" for name in module.settings}
        hits: dict[str, list[str]] = {}
        unshared: dict[str, str] = {}
        for required in self._required(module):
            for name, setting in required.settings.items():
                if setting.is_readable_by_users:
                    hits.setdefault(name, []).append(f"{required.name}.{name}")
                else:
                    unshared[name] = required.name
        problems = [
            problem
            for name, variable in module.variables.items()
            if name not in own
            for problem in _unresolved(name, hits.get(name, []), unshared.get(name), variable.place)
        ]
        if problems:
            raise CatalogError(problems)
        return {name: found[0] for name, found in hits.items() if len(found) == 1} | own

    def readable_secrets(self, module: Module) -> dict[str, str]:
        """The addresses of the secrets of other modules that *module* can read, by the NAME that
        each has in its file, and in files that this names.

        Raises:
            CatalogError, MissingError: as for `scope`.
        """
        return {
            name: address
            for name, address in self.scope(module).items()
            if name not in module.settings and self.declared[address].is_secret
        }

    def _required(self, module: Module) -> list[Module]:
        for name in module.possible_requires:
            if name not in self.modules and name not in self.broken:
                raise MissingError(module.name, name)
        return [self.module(name) for name in module.possible_requires]

    def ordered(self, names: Iterable[str]) -> list[Module]:
        """*names* and all modules that they may require, required modules first.

        Raises:
            CycleError: modules require each other; names the cycle.
            MissingError, UnknownNameError, CatalogError: as for `module` and `scope`.
        """
        graph: dict[str, list[str]] = {}
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in graph:
                graph[name] = [required.name for required in self._required(self.module(name))]
                todo.extend(graph[name])
        try:
            return [self.modules[name] for name in TopologicalSorter(graph).static_order()]
        except GraphCycle as cycle:
            raise CycleError(cycle.args[1]) from None


def _unresolved(name: str, hits: Sequence[str], owner: str | None, place: Place) -> list[Problem]:
    """The problem with a NAME that should be one of *hits*; *owner* is the module that has a secret
    of this name and does not share it."""
    if len(hits) == 1:
        return []
    if owner and not hits:
        text = Text(
            "{name} is a secret of {module}, which does not share it. Set shared: true for it in "
            "the file of {module}, or declare your own setting in x-aiserver.settings of this file",
            name=name,
            module=owner,
        )
    elif hits:
        text = Text(
            "{name} is ambiguous; it matches {hits}. Declare the setting in x-aiserver.settings "
            "of this file",
            name=name,
            hits=", ".join(hits),
        )
    else:
        text = Text(
            "{name} is not declared. Declare it in x-aiserver.settings of this file, or require "
            "the module that declares it",
            name=name,
        )
    return [Problem(place, text)]


def load_catalog(roots: Sequence[Path], applied: Applied | None = None) -> Catalog:
    """The modules under *roots*; the first root is the built-in catalog, whose modules are as they
    are *applied*. A folder that is wrong costs its own module only; one that several roots reach
    counts once."""
    copies = applied.folder.resolve() if applied else None
    modules: dict[str, Module] = {}
    wrong: dict[Path, Sequence[Problem]] = {
        root: [_too_large(root)] for root in map(Path.resolve, roots) if is_too_large(root)
    }
    empty: list[Path] = []
    for folder in module_folders(roots, applied):
        name = folder.name
        try:
            if not find_compose_file(folder):
                empty.append(folder)
                continue
            module = load_module(name, folder)
        except CatalogError as error:
            unread = [_unread(folder)] if folder.parent == copies else []
            wrong[folder] = [*error.problems, *unread]
            continue
        if clash := _name_problem(module, modules.get(name)):
            wrong[folder] = [Problem(Place(module.file), clash)]
        else:
            modules[name] = module
    own = [roots[0].resolve()] if roots else []
    own += [copies] if copies else []
    built_in = frozenset(
        name for name, m in modules.items() if any(map(m.folder.is_relative_to, own))
    )
    return Catalog(modules, _broken(wrong, modules), empty, built_in)


def _unread(copy: Path) -> Problem:
    text = Text(
        "these are the files with which an earlier version of AI-Server Tray started {module}, and "
        "this version can't read them. Install the earlier version again. Or move this folder to "
        "another place, and the next start of {module} uses the files of this version with its "
        "data",
        module=copy.name,
    )
    return Problem(Place(copy), text)


def _too_large(root: Path) -> Problem:
    text = Text(
        "expected fewer than {count} folders. Choose the folder that has the modules",
        count=MAX_FOLDERS,
    )
    return Problem(Place(root / "*"), text)


def _broken(
    wrong: Mapping[Path, Sequence[Problem]], modules: Mapping[str, Module]
) -> dict[str, list[Problem]]:
    """The problems of the *wrong* folders by name; by folder if another module has that name."""
    broken: dict[str, list[Problem]] = {}
    for folder, problems in wrong.items():
        is_free = folder.name not in modules
        broken.setdefault(folder.name if is_free else str(folder), []).extend(problems)
    return broken


def _name_problem(module: Module, earlier: Module | None) -> Text | None:
    if not _NAME.fullmatch(module.name):
        return Text(
            "expected a folder name of a-z, 0-9, _ and - that starts with a letter or digit, "
            "because it becomes part of container names"
        )
    if module.name == APP:
        return Text("expected another folder name; {name!r} is reserved for the applet", name=APP)
    if earlier:
        return Text(
            "expected a unique folder name; {folder} already has a module {name!r}. Rename this "
            "folder",
            name=module.name,
            folder=earlier.folder,
        )
    return None
