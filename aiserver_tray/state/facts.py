"""The facts that the store accepts. A fact is an observation, never something to do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Container, ModuleModel, Theme
from aiserver_tray.state.views import OperationView


@dataclass(frozen=True, slots=True)
class EngineUp:
    """The engine responds. Follows the first `ContainersListed`, so that no observer sees an engine
    without its containers."""

    id: str
    version: str
    cpus: int
    memory: int
    """of its machine, in bytes"""


@dataclass(frozen=True, slots=True)
class EngineDown:
    """The engine does not respond."""

    error: AiServerError
    at: datetime | None = None
    """when that was found; None: not known"""


@dataclass(frozen=True, slots=True)
class EngineStarting:
    """The applet starts the engine, or has finished that."""

    begun: datetime | None
    """since when; None: the start is over"""
    usual: float | None = None
    """seconds that earlier starts took"""


@dataclass(frozen=True, slots=True)
class EngineNamed:
    """The name of the engine, if several are known."""

    name: Text | None


@dataclass(frozen=True, slots=True)
class ContainersListed:
    """All of our containers. Those that were known at ``asked_at`` and are not listed are gone."""

    containers: tuple[Container, ...]
    asked_at: float = math.inf
    """when the list was requested, in monotonic seconds"""


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
    """The modules that *Start all* starts."""

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
    """The modules that the user asked for. Their requirements are computed."""

    modules: frozenset[str]
    stopped: frozenset[str] = frozenset()
    """their services (``module/service``) that the user stopped alone"""


@dataclass(frozen=True, slots=True)
class OutdatedChanged:
    """The modules with running containers that the current settings would recreate."""

    modules: frozenset[str]


@dataclass(frozen=True, slots=True)
class PortsForwarded:
    """The engine is on another computer, of which this one reaches only these ports."""

    ports: Mapping[tuple[str, int], int]
    """address and number there -> number on the loopback address here"""


@dataclass(frozen=True, slots=True)
class OperationChanged:
    """An operation has started, progressed or finished."""

    operation: OperationView


Fact = (
    EngineUp
    | EngineDown
    | EngineStarting
    | EngineNamed
    | ContainersListed
    | ContainerSeen
    | ContainerGone
    | ModulesChanged
    | TextsChanged
    | ChosenChanged
    | ThemeChanged
    | DesiredChanged
    | OutdatedChanged
    | PortsForwarded
    | OperationChanged
)
