"""All objects on the engine, ours and foreign."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.spec import labels

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Found:
    """A network or volume of the engine; networks have no time of creation here, volumes no id."""

    name: str
    labels: Mapping[str, str] = field(repr=False)
    created_at: datetime | None = None
    id: str = ""

    @property
    def module(self) -> str | None:
        """The module that it was created for. None if it belongs to no module, or is foreign."""
        return self.labels.get(labels.MODULE)

    @property
    def is_config(self) -> bool:
        """Whether it contains only configuration files, which are written again with each
        container."""
        return labels.CONFIG_OF in self.labels


@dataclass(frozen=True)
class Survey:
    """``installation`` is our ID. Networks and volumes are by name; of several networks with one
    name, a foreign one counts. ``asked_at``: monotonic seconds before the engine was asked."""

    installation: str
    containers: tuple[ContainerSummary, ...] = ()
    networks: Mapping[str, Found] = field(default_factory=dict)
    volumes: Mapping[str, Found] = field(default_factory=dict)
    asked_at: float = math.inf

    def is_ours(self, found: ContainerSummary | Found) -> bool:
        """Whether it belongs to this installation."""
        return found.labels.get(labels.INSTALLATION) == self.installation

    @property
    def ours(self) -> list[ContainerSummary]:
        """Our containers."""
        return [found for found in self.containers if self.is_ours(found)]

    @property
    def our_networks(self) -> list[Found]:
        """Our networks, with the one that all modules share."""
        return [found for found in self.networks.values() if self.is_ours(found)]

    @property
    def our_volumes(self) -> list[Found]:
        """Our volumes."""
        return [found for found in self.volumes.values() if self.is_ours(found)]


def survey(engine: "Engine", installation: str) -> Survey:
    """Everything on *engine*, in three requests.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    asked_at = time.monotonic()
    networks = [
        Found(network.name, network.labels, id=network.id) for network in engine.networks.all()
    ]
    volumes = [Found(v.name, v.labels, v.created_at) for v in engine.volumes.all()]
    return Survey(
        installation,
        tuple(engine.containers.summaries()),
        _foreign_last(networks, installation),
        _foreign_last(volumes, installation),
        asked_at,
    )


def _foreign_last(found: Iterable[Found], installation: str) -> dict[str, Found]:
    ordered = sorted(found, key=lambda f: f.labels.get(labels.INSTALLATION) != installation)
    return {one.name: one for one in ordered}
