"""The channels of clusters."""

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from pydantic import Field

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.cluster.events import CLUSTER, FILE
from aiserver_tray.features.cluster.views import (
    ClusterAddition,
    ClusterList,
    ClusterLogs,
    ClusterLogsRequest,
    ClusterName,
    ClusterView,
    DeployPlan,
    DeployRequest,
    NodeRequest,
    OfCluster,
    PinRequest,
    RemovalRequest,
    ScaleRequest,
    UpdateRequest,
    WorkView,
)
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller, Message, Peer

if TYPE_CHECKING:
    from aiserver_tray.features.cluster.clusters import Clusters

_ONLY_HERE = Text("Clusters can be changed only on this computer itself.")


class WorkId(Payload):
    """Work on a cluster."""

    id: str = Name


class WorkProgress(WorkId):
    """How far a client is with work on a cluster."""

    revision: int = Field(default=-1, ge=-1)
    """that it has"""


class WorkBegun(TypedDict):
    """Work on a cluster was started."""

    workId: str
    """for `ai/cluster/wait` and `ai/cluster/cancel`"""


class ClusterFeature(Feature):
    """``ai/cluster/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._is_owner = False
        place.hub.add_state(self._current)

    def _current(self, _peer: Peer, events: Collection[str]) -> Iterable[Message]:
        if CLUSTER.name not in events or "_clusters" not in vars(self):
            return []
        return [CLUSTER.message({"cluster": name}) for name in self._clusters.names()]

    @cached_property
    def _clusters(self) -> "Clusters":
        # Few need it.
        from aiserver_tray.features.cluster.clusters import Clusters  # noqa: PLC0415

        return Clusters(self._place)

    def start(self) -> None:
        self._is_owner = True
        if (self._place.app.home.folder / FILE).exists():
            self._clusters.watch.start()

    def forget(self, peer: Peer) -> None:
        if "_clusters" in vars(self):
            self._clusters.watch.unwatch(peer)

    def close(self) -> None:
        if "_clusters" in vars(self):
            self._clusters.close()

    def refuse_deployed(self, request: Request) -> None:
        """Raises `ClusterError` if *request* would start a module here that is on a cluster."""
        self._clusters.refuse_deployed(request)

    @channel("ai/cluster/list")
    def _list(self) -> ClusterList:
        """List the clusters as they were last seen, and the work on them. Asks nobody."""
        return self._clusters.listed()

    @channel("ai/cluster/status")
    def _status(self, asked: ClusterName) -> ClusterView:
        """Ask a cluster what there is now. Takes up to half a minute while managers are gone."""
        return self._clusters.status(asked.cluster)

    @channel("ai/cluster/watch")
    def _watch(self, caller: Caller) -> None:
        """Follow clusters closely while this client shows them: every 2 seconds, otherwise every
        30."""
        self._clusters.watch.watch(caller.peer)

    @channel("ai/cluster/unwatch")
    def _unwatch(self, caller: Caller) -> None:
        """This client does not show clusters any more."""
        self._clusters.watch.unwatch(caller.peer)

    @channel("ai/cluster/add")
    def _add(self, asked: ClusterAddition, caller: Caller) -> ClusterView:
        """Add a cluster by the addresses of its managers, or replace those of one. One of them must
        answer, and all that do must be of one cluster."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        view = self._clusters.add(asked.cluster, asked.managers)
        if self._is_owner:
            self._clusters.watch.start()
        return view

    @channel("ai/cluster/forget")
    def _forget(self, asked: ClusterName, caller: Caller) -> None:
        """Forget a cluster. All that runs there stays."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        self._clusters.forget(asked.cluster)

    @channel("ai/cluster/plan")
    def _plan(self, asked: DeployRequest) -> DeployPlan:
        """Show what a deployment does, and why it is refused. Changes nothing."""
        return self._clusters.plan(asked)

    @channel("ai/cluster/deploy")
    def _deploy(self, asked: DeployRequest, caller: Caller) -> WorkBegun:
        """Start to deploy modules, with those that they require; or one with the data of a backup,
        in volumes of a node that has none of it yet."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"workId": self._clusters.deploy(asked)}

    @channel("ai/cluster/update")
    def _update(self, asked: UpdateRequest, caller: Caller) -> WorkBegun:
        """Start to bring deployed modules to the current settings and files. The cluster puts back
        a service that does not get healthy."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"workId": self._clusters.update(asked)}

    @channel("ai/cluster/rollback")
    def _rollback(self, asked: OfCluster, caller: Caller) -> WorkBegun:
        """Start to put back the services of a module to what they were before their last update."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"workId": self._clusters.roll_back(asked.cluster, asked.module)}

    @channel("ai/cluster/remove")
    def _remove(self, asked: RemovalRequest, caller: Caller) -> WorkBegun:
        """Start to remove modules from a cluster. The data of volumes stays on their nodes."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {
            "workId": self._clusters.remove(
                asked.cluster, asked.modules, keep=not asked.forget_pins
            )
        }

    @channel("ai/cluster/pin")
    def _pin(self, asked: PinRequest, caller: Caller) -> ClusterView:
        """Say which node has the volumes of a module."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return self._clusters.pin(asked)

    @channel("ai/cluster/node")
    def _node(self, asked: NodeRequest, caller: Caller) -> ClusterView:
        """Drain a node, so that what can run elsewhere moves away, or let it work again."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return self._clusters.set_node(asked.cluster, asked.node, asked.availability)

    @channel("ai/cluster/scale")
    def _scale(self, asked: ScaleRequest, caller: Caller) -> WorkBegun:
        """Start to run a service that declares it more or less often."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        return {"workId": self._clusters.scale(asked)}

    @channel("ai/cluster/logs")
    def _logs(self, asked: ClusterLogsRequest) -> ClusterLogs:
        """Read the last lines of a module's services on all nodes, also of ended tasks."""
        return self._clusters.logs(asked)

    @channel("ai/cluster/wait")
    def _wait(self, asked: WorkProgress) -> WorkView:
        """Wait until work on a cluster has gone on or ended, for at most 10 seconds."""
        return self._clusters.works.wait(asked.id, asked.revision)

    @channel("ai/cluster/cancel")
    def _cancel(self, asked: WorkId) -> None:
        """Cancel work on a cluster after the step under way. What is done stays."""
        self._clusters.works.cancel(asked.id)
