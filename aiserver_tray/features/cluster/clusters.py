"""The clusters of an installation: what channels and commands ask of them."""
# ruff: noqa: ARG002 - what is still to come

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import ClusterError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.cluster.events import CLUSTER
from aiserver_tray.features.cluster.managers import Managers
from aiserver_tray.features.cluster.store import ClusterData, ClustersFile
from aiserver_tray.features.cluster.views import (
    ClusterList,
    ClusterLogs,
    ClusterLogsRequest,
    ClusterRestore,
    ClusterView,
    DeployPlan,
    DeployRequest,
    ManagerView,
    PinRequest,
    ScaleRequest,
)
from aiserver_tray.features.cluster.watch import Watch
from aiserver_tray.features.cluster.work import Works

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place


class Clusters:
    """The clusters of *place*.

    Raises:
        ClusterError, ClusterDownError: what is asked can't be done; no manager answers.
    """

    def __init__(self, place: "Place") -> None:
        self._place = place
        self._app = place.app
        self.file = ClustersFile(place.app.settings)
        self.works = Works(self.tell)
        self.watch = Watch(self.names, self.refresh)
        self._lock = Lock()
        self._seen: dict[str, ClusterView] = {}
        self._managers: dict[str, Managers] = {}

    def names(self) -> Sequence[str]:
        """The names of all clusters."""
        return [*self.file.all()]

    def tell(self, cluster: str) -> None:
        """Tell clients that something of *cluster* has changed."""
        self._place.publish(CLUSTER.message({"cluster": cluster}))

    def list(self) -> ClusterList:
        """All, as they were last seen."""
        known = self.file.all()
        views = (self._seen.get(name) or _unseen(name, data) for name, data in known.items())
        return ClusterList(tuple(views), tuple(self.works.views()))

    def refresh(self, name: str) -> None:
        """Ask the cluster *name*, and tell clients what has changed."""
        raise _coming()

    def status(self, name: str) -> ClusterView:
        """Ask the cluster *name*."""
        raise _coming()

    def add(self, name: str, hosts: Sequence[str]) -> ClusterView:
        """Remember the cluster *name* with managers at *hosts*."""
        raise _coming()

    def forget(self, name: str) -> None:
        """Forget the cluster *name*."""
        raise _coming()

    def plan(self, asked: DeployRequest) -> DeployPlan:
        raise _coming()

    def deploy(self, asked: DeployRequest) -> str:
        raise _coming()

    def update(self, asked: DeployRequest) -> str:
        raise _coming()

    def roll_back(self, cluster: str, module: str) -> str:
        raise _coming()

    def remove(self, cluster: str, modules: Sequence[str], *, keep: bool) -> str:
        raise _coming()

    def pin(self, asked: PinRequest) -> ClusterView:
        raise _coming()

    def set_node(self, cluster: str, node: str, availability: str) -> ClusterView:
        raise _coming()

    def scale(self, asked: ScaleRequest) -> str:
        raise _coming()

    def restore(self, asked: ClusterRestore) -> str:
        raise _coming()

    def logs(self, asked: ClusterLogsRequest) -> ClusterLogs:
        raise _coming()

    def close(self) -> None:
        self.watch.close()
        self.works.close()


def _coming() -> ClusterError:
    return ClusterError(Text("This is not there yet."))


def _unseen(name: str, data: ClusterData) -> ClusterView:
    managers = tuple(ManagerView(host, "unreachable") for host in data.managers)
    return ClusterView(name, data.id, "unknown", None, managers, (), (), None)
