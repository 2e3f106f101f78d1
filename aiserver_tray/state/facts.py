"""The facts that the store accepts. A fact is an observation, never something to do."""

import math
from dataclasses import dataclass
from datetime import datetime

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.model import Container, ModuleModel, Theme
from aiserver_tray.state.views import OperationView


@dataclass(frozen=True, slots=True)
class EngineUp:
    """The engine responds. Put after the first `ContainersListed`, so that no observer sees an
    engine without its containers. ``memory``: of its machine, in bytes."""

    id: str
    version: str
    cpus: int
    memory: int


@dataclass(frozen=True, slots=True)
class EngineDown:
    """The engine does not answer, or stopped answering, at a time."""

    error: AiServerError
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EngineStarting:
    """We began to start the engine at a time; None: no more. It took *usual* seconds before."""

    begun: datetime | None
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class ContainersListed:
    """All of our containers at ``asked_at`` (monotonic seconds, when the engine began to be asked);
    others that were known by then are gone."""

    containers: tuple[Container, ...]
    asked_at: float = math.inf


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """The current state of one of our containers."""

    container: Container


@dataclass(frozen=True, slots=True)
class ContainerGone:
    """The engine has no container of this id any more."""

    id: str


@dataclass(frozen=True, slots=True)
class ModulesChanged:
    """All modules of the catalog, in the order in which they are shown."""

    modules: tuple[ModuleModel, ...]


@dataclass(frozen=True, slots=True)
class ChosenChanged:
    """The modules that *Start all* means."""

    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThemeChanged:
    """The look that the user chose."""

    theme: Theme


@dataclass(frozen=True, slots=True)
class TextsChanged:
    """Texts must be rendered again, even if nothing else is new: modules have other titles, or the
    user chose another language."""


@dataclass(frozen=True, slots=True)
class DesiredChanged:
    """The modules that the user asked for. Their requirements are computed. ``stopped``: services
    of them (``module/service``) that the user stopped alone."""

    modules: frozenset[str]
    stopped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OutdatedChanged:
    """The modules with running containers that the current settings would recreate."""

    modules: frozenset[str]


@dataclass(frozen=True, slots=True)
class OperationChanged:
    """An operation has started, progressed or finished."""

    operation: OperationView


Fact = (
    EngineUp
    | EngineDown
    | EngineStarting
    | ContainersListed
    | ContainerSeen
    | ContainerGone
    | ModulesChanged
    | TextsChanged
    | ChosenChanged
    | ThemeChanged
    | DesiredChanged
    | OutdatedChanged
    | OperationChanged
)
