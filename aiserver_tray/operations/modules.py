"""The modules that can start, as operations get them, with what they require."""

from collections.abc import Callable, Container, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError as GraphCycle
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from aiserver_tray.base.errors import (
    AiServerError,
    CycleError,
    MissingError,
    UnknownNameError,
    UnlistedError,
    raise_all,
)
from aiserver_tray.catalog.image_sizes import RecordedSizes
from aiserver_tray.model import Changes, ModuleModel
from aiserver_tray.spec.model import ModuleTarget

NO_CHANGES: Final[Changes] = MappingProxyType({})

_Module = TypeVar("_Module", ModuleTarget, ModuleModel)


class Modules(Protocol):
    """The modules that can start, with their current settings."""

    def read(self) -> None:
        """Read them now, not only once one is asked for."""

    @property
    def secrets(self) -> list[str]:
        """All values that must not appear in a text, as far as they can be read."""

    @property
    def names(self) -> tuple[str, ...]:
        """All modules of the catalog, in its order."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The modules that `up` without a name starts."""

    def target(self, name: str) -> ModuleTarget:
        """The module with its secrets. Missing secrets are generated.

        Raises:
            AiServerError: it can't start.
        """

    def preview(self, name: str, changes: Changes = NO_CHANGES) -> ModuleTarget:
        """Like `target`, but with *changes* of settings by address, and missing secrets are masked
        and not generated.

        Raises:
            AiServerError: as for `target`.
        """

    def model(self, name: str) -> ModuleModel:
        """The module without secrets. ``problem`` says why it can't start."""

    @property
    def models(self) -> tuple[ModuleModel, ...]:
        """All modules without secrets."""

    @property
    def image_sizes(self) -> RecordedSizes:
        """The recorded sizes of images."""

    def keep_files(self, modules: Iterable[str]) -> None:
        """The *modules* were started with their present files."""

    def forget_files(self, modules: Iterable[str]) -> None:
        """The data of the *modules* was removed."""


@dataclass(frozen=True)
class Previews:
    """*modules* for a preview, with *changes* of settings: `target` generates no secrets."""

    modules: Modules
    changes: Changes = field(default_factory=lambda: NO_CHANGES)

    def read(self) -> None:
        self.modules.read()

    @property
    def secrets(self) -> list[str]:
        return self.modules.secrets

    @property
    def names(self) -> tuple[str, ...]:
        return self.modules.names

    @property
    def chosen(self) -> tuple[str, ...]:
        return self.modules.chosen

    def target(self, name: str) -> ModuleTarget:
        return self.preview(name, self.changes)

    def preview(self, name: str, changes: Changes = NO_CHANGES) -> ModuleTarget:
        return self.modules.preview(name, changes)

    def model(self, name: str) -> ModuleModel:
        return self.modules.model(name)

    @property
    def models(self) -> tuple[ModuleModel, ...]:
        return self.modules.models

    @property
    def image_sizes(self) -> RecordedSizes:
        return self.modules.image_sizes

    def keep_files(self, modules: Iterable[str]) -> None:
        """A preview starts nothing."""

    def forget_files(self, modules: Iterable[str]) -> None:
        """A preview removes nothing."""


def unlisted(chosen: Iterable[str], names: Container[str]) -> dict[str, AiServerError]:
    """The *chosen* modules that are not in the catalog's *names* any more, each with its error."""
    return {name: UnlistedError(name) for name in chosen if name not in names}


def with_requires(names: Iterable[str], get: Callable[[str], _Module]) -> list[_Module]:
    """*names* and all modules that they require, required modules first.

    Raises:
        AiServerError: everything that is wrong with any of them, at once; CycleError where they
            require each other.
    """
    found: dict[str, _Module] = {}
    errors: list[AiServerError] = []
    asked_by: dict[str, str] = {}
    todo = list(dict.fromkeys(names))
    seen = set(todo)
    while todo:
        name = todo.pop()
        try:
            module = found[name] = get(name)
        except UnknownNameError as error:
            errors.append(MissingError(asked_by[name], name) if name in asked_by else error)
            continue
        except AiServerError as error:
            error.about(name)
            errors.append(error)
            continue
        for required in module.requires:
            if required not in seen:
                seen.add(required)
                asked_by[required] = name
                todo.append(required)
    ordered: list[_Module] = []
    try:
        order = TopologicalSorter({n: m.requires for n, m in found.items()}).static_order()
        ordered = [found[name] for name in order if name in found]
    except GraphCycle as cycle:
        errors.append(CycleError(cycle.args[1]))
    raise_all(errors)
    return ordered


def obtainable(names: Iterable[str], get: Callable[[str], _Module]) -> list[_Module]:
    """The modules of *names* that can start, and all that they require, required modules first. A
    problem with another module is ignored."""
    found: dict[str, _Module] = {}
    for name in names:
        with suppress(AiServerError):
            found |= {module.name: module for module in with_requires([name], get)}
    return list(found.values())
