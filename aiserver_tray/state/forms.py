"""The forms in which clients and ``--json`` get the state: what `state.encode` makes.

The text below a field is its meaning; documentation and the page's types are generated from it.
"""

from typing import Literal, TypedDict

from aiserver_tray.base.errors import ErrorJson
from aiserver_tray.base.errors.remedies import RemedyJson
from aiserver_tray.base.i18n import Language
from aiserver_tray.model import (
    ContainerStatus,
    Health,
    Kind,
    OperationKind,
    OperationStatus,
    State,
    StepKind,
    StepStatus,
    Theme,
    TroubleKind,
)


class PortJson(TypedDict):
    """A published port of a running container."""

    service: str
    """the service of the module"""
    address: str
    """address on the engine's machine, such as `127.0.0.1`"""
    host: int
    """port number there"""
    container: int
    """port number in the container"""
    protocol: str
    """`tcp`, `udp` or `sctp`"""


class ServiceJson(TypedDict):
    """A service of a module."""

    name: str
    """name in the Compose file"""
    container: str
    """its container's name"""
    state: ContainerStatus | Literal["absent"]
    """the engine's state of its container, or `absent`"""
    health: Health
    """`none`: there is no health check"""
    image: str
    """the image's name"""
    job: bool
    """it runs once and must exit with 0"""
    exitCode: int | None
    """its container's exit code; `null` while it runs"""
    startedAt: str | None
    """last start of its container"""
    restarts: int
    """how often its restart policy has restarted the container"""
    memoryLimit: int | None
    """its memory limit in bytes; `null` without a limit"""
    reason: str | None
    """why it is not in its desired state"""


class ModuleAbilitiesJson(TypedDict):
    """What can be done with a module: `null` if it is possible now, else the reason why not."""

    start: str | None
    """start it with its requirements"""
    stop: str | None
    """stop it alone"""
    stopWithUsers: str | None
    """stop it and the modules that need it"""
    restart: str | None
    """stop it and start it again"""
    open: str | None
    """show its page"""
    logs: str | None
    """show the logs of its containers"""
    remove: str | None
    """stop it, and remove its containers and networks"""


class TroubleJson(TypedDict):
    """Why a module does not run as it should."""

    kind: TroubleKind
    """`blocked`: the module can't start; `memory`: a service ran out of memory; `unhealthy`: its
    health check fails; `exited`: it exited or can't start; `absent`: it has no container"""
    reason: str
    service: str | None
    """the service in trouble; `null` if it is the module"""
    since: str | None
    """since when; `null` if that is not known"""
    available: int | None
    """of a service that ran out of memory, the bytes that its limit may have; `null`: not known"""
    remedies: list[RemedyJson]
    """the next steps, the best first"""


class ModuleJson(TypedDict):
    """A module with its services."""

    name: str
    """name in the catalog"""
    kind: Kind
    title: str
    """for people; without a title, the name"""
    summary: str
    """for people; may be empty"""
    icon: str
    """name of its Lucide icon"""
    version: str | None
    """the tag of its main image; `null` without a tag"""
    requires: list[str]
    """the modules that it requires"""
    state: State
    ready: int
    """the number of ready services; a job is ready when it has exited with 0"""
    total: int
    """the number of services"""
    reason: str | None
    """why it is not in its desired state"""
    problem: str | None
    """why it can't start, even if parts of it run"""
    trouble: TroubleJson | None
    """why it is failed or only partly running"""
    since: str | None
    """the latest start of its running services; `null` if none runs"""
    memoryLimit: int | None
    """the sum of its services' memory limits in bytes, without jobs; `null` if one has no limit"""
    outdated: bool
    """its settings have changed since its running containers were created; `up` recreates them"""
    orphan: bool
    """it has containers but no folder in the catalog"""
    wanted: bool
    """asked for by the user, or required by a wanted module"""
    usedBy: list[str]
    """the features, wanted or running, that require it"""
    open: str | None
    """the address of its page"""
    abilities: ModuleAbilitiesJson
    """what can be done with it now"""
    ports: list[PortJson]
    """the published ports of running containers"""
    services: list[ServiceJson]


class StepJson(TypedDict):
    """A step of an operation."""

    kind: StepKind
    subject: str
    """the object's name on the engine, or a kernel setting such as `vm.max_map_count=262144`"""
    module: str
    service: str | None
    """`null` for a step of the whole module"""
    status: StepStatus
    """`skipped`: a step that it needs failed, or the operation was cancelled"""
    detail: str | None
    """details of a running step, such as the layers of a pull"""
    current: int
    """bytes of a pull so far"""
    total: int
    """bytes of a pull"""
    rate: float
    """bytes per second"""
    began: float | None
    """seconds from the operation's beginning to its own; `null` if it has not begun"""
    seconds: float | None
    """its duration; `null` if it has not ended"""
    usual: float | None
    """its usual duration, from earlier times; `null` if there were none"""


class OperationJson(TypedDict):
    """An operation, without its steps."""

    id: str
    """id for cancelling it"""
    kind: OperationKind
    modules: list[str]
    """names of modules, including those added to the request"""
    services: list[str]
    """only these services of its module; empty: all services of its modules"""
    status: OperationStatus
    """`waiting`: for another operation's locks"""
    done: int
    """the number of finished services; of images, if the operation only concerns images"""
    total: int
    """the number of services, or images"""
    text: str | None
    """current action or wait"""
    secondsLeft: float | None
    """estimate from earlier starts"""
    error: ErrorJson | None
    """why it failed"""
    notices: list[str]
    """notes for the user that are no failures"""
    foreign: bool
    """started by another process; only that process can cancel it"""
    revival: bool
    """started by the owner to bring up the desired modules: no user waits for it"""
    endedAt: str | None
    """when it ended"""


class OperationWithStepsJson(OperationJson):
    """An operation with its steps."""

    detail: str | None
    """reason for waiting, as text"""
    steps: list[StepJson]


class EngineStatusJson(TypedDict):
    """Whether the engine answers."""

    running: bool
    """it answers"""
    version: str | None
    """its version; `null` if no engine answers"""


class EngineJson(EngineStatusJson):
    """The engine."""

    id: str | None
    """id under which its state is stored"""
    error: ErrorJson | None
    """the reason for no answer"""
    starting: bool
    """the applet is starting it"""
    cpus: int | None
    """the number of its machine's processors; `null` if no engine answers"""
    memory: int | None
    """the memory of its machine in bytes; `null` if no engine answers"""
    downSince: str | None
    """when it stopped answering; `null` if the owner did not see that"""
    startBegun: str | None
    """when the applet began to start it"""
    usualStart: float | None
    """the seconds that its start took before"""


class StackAbilitiesJson(TypedDict):
    """What can be done with everything: `null` if it is possible now, else the reason why not."""

    start: str | None
    """start the chosen modules"""
    stop: str | None
    """stop everything"""
    cancel: str | None
    """cancel an operation of the applet"""


class StatusJson(TypedDict):
    """The state of the stack."""

    engine: EngineStatusJson
    state: State
    """state of the whole stack: the worst state of a module"""
    modules: list[ModuleJson]
    """by kind and name, orphans last"""


class SnapshotJson(TypedDict):
    """Everything at one moment."""

    language: Language
    """the language of its texts"""
    engine: EngineJson
    state: State
    """state of the whole stack: the worst state of a module"""
    modules: list[ModuleJson]
    """sorted by title, orphans last"""
    operations: list[OperationJson]
    """the running ones, the last that ended, and failed ones that no later one has replaced"""
    abilities: StackAbilitiesJson
    """what can be done with everything now"""
    chosen: list[str]
    """the names of the modules that *Start all* starts"""
    theme: Theme
    """how the dashboard looks"""
