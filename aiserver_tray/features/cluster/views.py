"""Clusters as clients get them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.protocol.channel import Name, Names, Payload

_MAX_ADDRESS: Final = 300
_MAX_LINES: Final = 10_000

ManagerState = Literal["answers", "unreachable", "no-leader", "no-manager", "other-cluster"]
ClusterState = Literal["ok", "no-leader", "unreachable", "unknown"]
ClusterNodeState = Literal["ready", "down", "unknown", "disconnected"]
Availability = Literal["active", "pause", "drain"]
ClusterServiceState = Literal[
    "running", "done", "starting", "updating", "waiting", "unknown", "failed", "stopped"
]
WorkKind = Literal["deploy", "update", "rollback", "remove", "scale", "restore"]
WorkStatus = Literal["running", "succeeded", "failed", "cancelled"]
WorkStepKind = Literal[
    "pin", "network", "config", "job", "service", "update", "rollback", "scale", "remove",
    "restore",
]  # fmt: skip
WorkStepStatus = Literal["pending", "running", "done", "failed", "skipped"]


class ClusterName(Payload):
    """A cluster."""

    cluster: str = Field(default="", max_length=200)
    """its name; may be left out while there is only one"""


class ClusterAddition(Payload):
    """A cluster to add."""

    cluster: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    """the name that it gets"""
    managers: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=_MAX_ADDRESS)], ...],
        Field(min_length=1, max_length=20),
    ]
    """addresses of managers, such as `ssh://user@server-1`; another one is asked while one does not
    answer"""


class OfCluster(ClusterName):
    """A module on a cluster."""

    module: str = Name


class ClusterModules(ClusterName):
    """Modules on a cluster."""

    modules: Annotated[Names, Field(min_length=1)]


class UpdateRequest(ClusterModules):
    """What to update, and how."""

    pin: str = Field(default="", max_length=200)
    """name or ID of the node for the volumes of modules that have none yet"""
    publish: bool | None = None
    """publish the ports of the modules' pages on their nodes, on every interface; `null`: as it is,
    and not for new ones"""


class DeployRequest(UpdateRequest):
    """What to deploy, and how."""

    backup: str = Field(default="", max_length=200)
    """the ID of a backup, of those that `ai/backup/list` has, whose data the only module gets"""
    node_address: str = Field(default="", max_length=_MAX_ADDRESS)
    """the address of the engine of the node for that data, such as `ssh://user@server-2`; not
    needed for a manager"""


class RemovalRequest(ClusterModules):
    """What to remove."""

    forget_pins: bool = False
    """forget also which node has the volumes, whose data stays there"""


class ClusterLogsRequest(OfCluster):
    """Whose log to read."""

    service: str = Field(default="", max_length=200)
    """all services of the module without it"""
    tail: int = Field(default=200, ge=1, le=_MAX_LINES)
    """lines of each service"""


class PinRequest(OfCluster):
    """Where the volumes of a module are."""

    node: str = Name
    """name or ID"""
    empty: bool = False
    """the module is deployed with volumes elsewhere, and may start there with empty ones"""


class NodeRequest(ClusterName):
    """What a node is to do."""

    node: str = Name
    """name or ID"""
    availability: Literal["active", "drain"]


class ScaleRequest(OfCluster):
    """How often a service runs."""

    service: str = Name
    replicas: int = Field(ge=0, le=100)


@dataclass(frozen=True)
class ManagerView:
    """A manager of a cluster, by the address that the user gave."""

    address: str
    state: ManagerState
    """`no-leader`: it answers, but too few managers are left to decide anything; `no-manager`: the
    engine there manages no cluster"""
    problem: Text | None = None
    """what it says instead, and what to do"""


@dataclass(frozen=True)
class NodeView:
    """A machine of a cluster."""

    id: str
    name: str
    """its host name; with the beginning of its ID if another one has the same"""
    address: str
    role: Literal["manager", "worker"]
    state: ClusterNodeState
    availability: Availability
    """`drain`: nothing runs there; `pause`: nothing new starts there"""
    is_leader: bool
    is_reachable: bool
    """for managers: the others reach it"""
    since: datetime | None
    """since when it is not `ready`, at the latest; `null` if it is"""
    cpus: float
    memory: int
    pinned: tuple[str, ...]
    """the modules whose volumes are there"""
    tasks: int
    """that run there, as far as is known"""


@dataclass(frozen=True)
class TaskView:
    """One container of a service, or its attempt."""

    id: str
    node: str
    """name of its node; empty: none yet"""
    state: str
    """Docker's own word, such as `running`, `pending` or `failed`"""
    is_unknown: bool
    """its node does not answer: the state is the last one that was heard"""
    since: datetime | None
    text: Text
    """why, in Docker's words or ours"""
    exit_code: int | None


@dataclass(frozen=True)
class ClusterServiceView:
    """A service of a module on a cluster."""

    name: str
    """in the module's file"""
    on_cluster: str
    """its name on the cluster"""
    state: ClusterServiceState
    """`waiting`: for its node, or for any node that takes it; `unknown`: its node does not answer;
    `done`: a job that has ended well"""
    label: Text
    """the state in words, such as `waits for its node server-2`"""
    why: Text | None
    """why it is not running"""
    since: datetime | None
    is_job: bool
    running: int
    replicas: int
    scalable: bool
    """`ai/cluster/scale` takes it"""
    ports: tuple[int, ...]
    """published on its node, on every interface"""
    updated_at: datetime | None
    update: str
    """Docker's word for its last update, such as `rollback_completed`; empty: none"""
    update_text: str
    """what Docker says about it"""
    can_roll_back: bool
    tasks: tuple[TaskView, ...]
    """those that count, then up to five earlier ones, the newest first"""


@dataclass(frozen=True)
class DeployedView:
    """A module on a cluster."""

    module: str
    title: LocalText
    state: ClusterServiceState
    """of the service that is worst off"""
    label: Text
    pinned: tuple[str, ...]
    """the names of the nodes that have its volumes; empty: it has none"""
    is_ours: bool
    """it was deployed from this home"""
    unfinished: Text | None
    """a deployment that did not end, and what to do"""
    services: tuple[ClusterServiceView, ...]


@dataclass(frozen=True)
class ClusterView:
    """A cluster."""

    name: str
    id: str
    """empty: no manager has told it yet"""
    state: ClusterState
    """`no-leader`: what runs goes on, but nothing can be changed, and nodes and modules are as they
    were last seen; `unknown`: nobody has asked yet"""
    problem: Text | None
    managers: tuple[ManagerView, ...]
    nodes: tuple[NodeView, ...]
    modules: tuple[DeployedView, ...]
    seen_at: datetime | None
    """when nodes and modules were seen; `null`: never"""


@dataclass(frozen=True)
class WorkStep:
    """A step of a plan, or of work under way."""

    kind: WorkStepKind
    subject: str
    """the name of the object on the cluster"""
    module: str
    text: Text
    """the step in words"""
    status: WorkStepStatus = "pending"
    detail: Text | None = None
    """what it waits for now, or why it failed"""
    seconds: float | None = None
    """that it took"""


@dataclass(frozen=True)
class WorkView:
    """Work on a cluster, which this process does."""

    id: str
    cluster: str
    kind: WorkKind
    modules: tuple[str, ...]
    status: WorkStatus
    revision: int
    """grows with each change"""
    steps: tuple[WorkStep, ...]
    notices: tuple[Text, ...]
    error: AiServerError | None
    began_at: datetime
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, with any result."""
        return self.status != "running"


@dataclass(frozen=True)
class ClusterList:
    """All clusters, as they were last seen. Asks nobody."""

    clusters: tuple[ClusterView, ...]
    works: tuple[WorkView, ...]
    """under way, or ended not long ago; the newest first"""


@dataclass(frozen=True)
class PublishedPort:
    """A port of a module's page."""

    module: str
    port: int
    text: Text
    """where it can be reached from once it is open: every network of its node"""
    is_open: bool
    """this deployment opens it, or leaves it open"""


@dataclass(frozen=True)
class DeployPlan:
    """What a deployment does."""

    cluster: str
    modules: tuple[str, ...]
    """with those that they require, which come first"""
    pins: dict[str, str]
    """module -> name of the node that has its volumes, or gets them"""
    steps: tuple[WorkStep, ...]
    """empty: everything is there already"""
    ports: tuple[PublishedPort, ...]
    """of pages, also those that stay closed"""
    notices: tuple[Text, ...]
    """what to know before"""
    problems: tuple[Text, ...]
    """why it is refused; empty: it can be done"""


@dataclass(frozen=True)
class ClusterLogLine:
    """A line of a service's log, from any node."""

    time: datetime | None
    node: str
    service: str
    task: str
    is_error: bool
    """from standard error"""
    text: str


@dataclass(frozen=True)
class ClusterLogs:
    """Lines of logs, the oldest first."""

    lines: tuple[ClusterLogLine, ...]
    notices: tuple[Text, ...]
    """what is missing, such as the lines of a node that does not answer"""
