"""What a backup of modules contains, and what stands still for it. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from aiserver_tray.base.i18n import LocalText, Text

Dialect = Literal["postgres", "mysql"]
"""The program of a database server, known by the scheme of its `connect` address."""
EntryKind = Literal["volume", "folder", "image"] | Dialect
NEW, OLD = "restore", "before"
_NAME_BYTES: Final = 63
"""PostgreSQL cuts longer names. MySQL takes 64 characters."""
_BESIDE: Final = re.compile(rf".*__({NEW}|{OLD})_[0-9a-f]{{8}}_\d+", re.DOTALL)


def beside(database: str, what: str, operation: str, number: int) -> str:
    """The name of a database beside *database*, the one with *number* of *operation*. No other
    operation has one of this name: it may be all that is left of the original."""
    end = f"__{what}_{operation[:8]}_{number}"
    return database.encode()[: _NAME_BYTES - len(end)].decode(errors="ignore") + end


def is_beside(database: str) -> bool:
    """Whether a restore has made *database* `beside` another one."""
    return _BESIDE.fullmatch(database) is not None


@dataclass(frozen=True)
class Part:
    """Data of a module: a volume or a folder of the computer, which is cloned, or a database on a
    server that it shares with others, which that server dumps."""

    module: str
    kind: EntryKind
    key: str
    """The volume's name in the module's file, the folder's number, or the database's name."""
    bytes: int | None
    """None: not known."""
    volume: str = ""
    """Its name on the engine, or the folder's path."""
    server: str = ""
    """The module of the database's server."""


@dataclass(frozen=True)
class Omitted:
    """Something of a module that is not in its backup."""

    name: str
    why: Text


@dataclass(frozen=True)
class ModulePlan:
    """One module of a backup."""

    name: str
    title: LocalText
    version: str | None
    volumes: tuple[Part, ...] = ()
    """And folders."""
    databases: tuple[Part, ...] = ()
    redis: tuple[int, ...] = ()
    """The databases of the Redis that it uses; a restore clears them."""
    omitted: tuple[Omitted, ...] = ()
    folders: tuple[str, ...] = ()
    """The paths of all folders of the computer that it uses."""
    is_store: bool = False
    """It is a basic module that is here because it keeps the data of the others of its group."""


@dataclass(frozen=True)
class Group:
    """Modules that are backed up together, because they share stores. Features first, then the
    stores; services stop in this order and start in the opposite one."""

    modules: tuple[ModulePlan, ...]
    seconds: float | None = None
    """How long its features are expected to stand still; None: nothing of it runs."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(module.name for module in self.modules)

    @property
    def volumes(self) -> list[Part]:
        return [part for module in self.modules for part in module.volumes]

    @property
    def databases(self) -> list[Part]:
        return [part for module in self.modules for part in module.databases]


@dataclass(frozen=True)
class BackupPlan:
    """A whole backup: its groups one after the other."""

    groups: tuple[Group, ...]
    engine_bytes: int = 0
    """Space that the clones of the largest group need on the engine's disk."""
    file_bytes: int = 0
    """Space that the file needs at most."""
    left_out: tuple[Omitted, ...] = ()
    """Modules with data that can't be backed up now, because their files are wrong."""
    is_whole: bool = False
    """All modules that have data are in it."""

    @property
    def modules(self) -> Sequence[ModulePlan]:
        return [module for group in self.groups for module in group.modules]

    def only(self, names: Collection[str]) -> "BackupPlan":
        """Without other modules than *names*."""
        kept = (tuple(m for m in group.modules if m.name in names) for group in self.groups)
        groups = tuple(map(Group, filter(None, kept)))
        is_whole = self.is_whole and {module.name for module in self.modules} <= {*names}
        return replace(self, groups=groups, is_whole=is_whole)

    @property
    def volumes(self) -> list[Part]:
        return [part for group in self.groups for part in group.volumes]

    @property
    def databases(self) -> list[Part]:
        return [part for group in self.groups for part in group.databases]

    @property
    def has_data(self) -> bool:
        return bool(self.volumes or self.databases)
