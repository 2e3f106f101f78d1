"""What is remembered of clusters: ``clusters.json`` of the home. The truth about nodes and services
is in the clusters."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.errors import ClusterError, UnknownNameError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.cluster.events import FILE
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.store import Settings


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DeployedData(_Plain):
    """A module that was deployed from this home, and may not run here meanwhile."""

    since: float = Field(default_factory=time.time)
    """In seconds since 1970."""
    unfinished: bool = False
    """A deployment or removal of it has begun, and not ended."""
    restoring: str = ""
    """The name of a node that has only a part of a backup's data so far. Empty: none. This is kept
    when the module is removed: a deployment would take that part for all."""
    loaded: list[str] = Field(default_factory=list)
    """The databases, as ``server/name``, that this restore has begun to create."""


class ClusterData(_Plain):
    """A cluster."""

    managers: list[str]
    """Their addresses, in the order in which they are asked."""
    id: str = ""
    """Of the cluster, by which a manager of another one is noticed."""
    deployed: dict[str, DeployedData] = Field(default_factory=dict)


class ClustersData(SealedModel):
    """clusters.json"""

    version: Literal[1] = 1
    clusters: dict[str, ClusterData] = Field(default_factory=dict)


class ClustersFile:
    """``clusters.json`` in the home of *settings*.

    Raises:
        SettingError: from every method: it can't be read or written.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = VersionedFile(settings.folder / FILE, ClustersData, settings.notices)

    def all(self) -> Mapping[str, ClusterData]:
        """The clusters by name, not to be changed."""
        return self._file.read().clusters

    def get(self, name: str) -> tuple[str, ClusterData]:
        """The name and data of the cluster *name*; of the only one if that is empty.

        Raises:
            ClusterError: there is none, or more than one.
            UnknownNameError: there is none of this name.
        """
        found = self.all()
        if not found:
            text = Text(
                "There is no cluster. Add one by the address of a manager: aiserver-tray cluster "
                "add ssh://USER@MACHINE"
            )
            raise ClusterError(text)
        if not name and len(found) > 1:
            text = Text(
                "There are several clusters. Say which one with --cluster: {names}",
                names=", ".join(found),
            )
            raise ClusterError(text)
        name = name or next(iter(found))
        if name not in found:
            raise UnknownNameError(name, [*found])
        return name, found[name]

    @contextmanager
    def update(self) -> Iterator[dict[str, ClusterData]]:
        """The clusters by name, to change in place."""
        with self._file.update() as data:
            yield data.clusters

    def note(self, name: str, modules: Mapping[str, DeployedData | None]) -> None:
        """Remember that *modules* are deployed on the cluster *name*, or (None) not any more."""
        with self.update() as clusters:
            if (cluster := clusters.get(name)) is None:
                return
            for module, data in modules.items():
                if data is None:
                    cluster.deployed.pop(module, None)
                else:
                    cluster.deployed[module] = data
