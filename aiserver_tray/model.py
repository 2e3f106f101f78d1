"""Frozen values that all packages share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.errors.remedies import Remedy
from aiserver_tray.base.i18n import Language, LocalText, Text, in_language

Kind = Literal["basic", "feature"]

DEFAULT_ICON: Final = "package"
"""The icon of a module that names none."""

SHARED_NETWORK: Final = "ai-net"
"""The network on which modules reach each other by service name."""

MAX_NAMES: Final = 1000
"""Names in one list of a request. A client could send a million of them."""

ContainerStatus = Literal[
    "created", "running", "paused", "restarting", "removing", "exited", "dead"
]
"""The engine's own words (State.Status of its inspect answer)."""

AT_REST: frozenset[ContainerStatus] = frozenset({"created", "exited", "dead"})
"""No process of such a container runs, or will start by itself."""

Health = Literal["none", "starting", "healthy", "unhealthy"]

Theme = Literal["system", "light", "dark"]
"""How the dashboard looks; `system`: as the system prefers."""

State = Literal["stopped", "starting", "running", "degraded", "error", "stopping", "engine_down"]
"""State of a module, and of everything."""


@dataclass(frozen=True, slots=True)
class Port:
    """A published port. ``address`` is the host's (``127.0.0.1``), ``host`` and ``container`` are
    port numbers."""

    address: str
    host: int
    container: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Container:
    """One of our containers, from the engine's inspect response."""

    id: str
    name: str
    module: str
    service: str
    config_hash: str
    image: str
    image_id: str
    status: ContainerStatus
    health: Health = "none"
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    restart_count: int = 0
    ports: tuple[Port, ...] = ()
    last_check: str = ""
    unhealthy_since: datetime | None = None
    """Begin of the first of the failed health checks in a row, if it is unhealthy."""
    networks: frozenset[str] = frozenset()
    """IDs of the networks that it is connected to, or will be when it starts."""
    requires: tuple[str, ...] | None = None
    """The modules that its own module required when it was created. None: unknown."""
    page: str | None = None
    """Host and port of its module's own page, if it publishes that."""
    asked_at: float = field(default=0.0, compare=False, repr=False)
    """Monotonic seconds at which the engine was asked: of two answers, the one that was asked for
    later is at least as new, whichever arrives first."""

    @property
    def is_ready(self) -> bool:
        """Running, and healthy if it has a health check."""
        return self.status == "running" and self.health in ("none", "healthy")

    @property
    def ended_well(self) -> bool:
        """Exited with code 0."""
        return self.status == "exited" and self.exit_code == 0


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """A service as the catalog wants it. ``container`` is the name of its container, ``depends_on``
    are services. ``has_pre_stop``: commands must run in it before it is stopped. ``may_end``: an
    exit with code 0 is a success. ``is_main``: its image has the module's version. ``memory``: its
    limit in bytes; None: no limit. ``memory_setting``: the address of the setting for that."""

    name: str
    container: str
    image: str
    is_job: bool = False
    depends_on: tuple[str, ...] = ()
    has_pre_stop: bool = False
    may_end: bool = False
    is_main: bool = False
    memory: int | None = None
    memory_setting: str | None = None


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """A module as catalog and settings want it now. ``problem``: why it can't start;
    ``remedies``: the next steps then."""

    name: str
    kind: Kind
    requires: tuple[str, ...] = ()
    services: tuple[ServiceModel, ...] = ()
    open: str | None = None
    problem: Text | None = None
    title: LocalText = field(default_factory=dict)
    summary: LocalText = field(default_factory=dict)
    icon: str = DEFAULT_ICON
    remedies: tuple[Remedy, ...] = ()


StepStatus = Literal["pending", "running", "done", "skipped", "failed"]
"""skipped: something that it needs failed, or the operation was cancelled."""

StepKind = Literal[
    "pull", "build", "network", "volume", "remove", "create", "start", "wait", "stop",
    "remove_network", "remove_volume", "kernel_setting",
]  # fmt: skip
"""wait: from the start of a service until it is ready."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of an operation. ``subject`` is the object's name on the engine (container, image,
    network, volume), or a setting of its kernel (``vm.max_map_count=262144``); ``current`` and
    ``total`` are bytes of a pull, ``rate`` bytes per second, ``detail`` its layers."""

    kind: StepKind
    subject: str
    module: str
    service: str | None = None
    status: StepStatus = "pending"
    detail: Text | None = None
    current: int = 0
    total: int = 0
    rate: float = 0.0
    began: float | None = None
    """When it began: a reading of the clock of `OperationView.began`."""
    seconds: float | None = None
    """How long it took, once it has ended."""
    usual: float | None = None
    """How long it took before, if that is known."""


OperationKind = Literal["up", "stop", "down", "restart", "pull", "build"]

IMAGES_ONLY: frozenset[OperationKind] = frozenset({"pull", "build"})
"""Operations that touch no container."""

OperationStatus = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
"""waiting: for another operation's locks."""


@dataclass(frozen=True, slots=True)
class OperationView:
    """One user request and its progress. ``seconds_left`` is an estimate from earlier starts."""

    id: str
    kind: OperationKind
    modules: tuple[str, ...]
    status: OperationStatus = "running"
    steps: tuple[StepView, ...] = ()
    seconds_left: float | None = None
    error: AiServerError | None = None
    detail: Text | None = None
    notices: tuple[Text, ...] = ()
    """Notices for the user; no failures."""
    is_foreign: bool = False
    """Another process's, known by its locks: only there can it be cancelled."""
    services: tuple[str, ...] = ()
    """Only these services of its module; empty: all."""
    is_revival: bool = False
    """An automatic restart of desired modules by the host: no user waits for it."""
    began: float = 0.0
    """When it began: a reading of a clock that only its own process knows."""
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has finished, with any result."""
        return self.status in ("succeeded", "failed", "cancelled")


ActorKind = Literal["tray", "window", "browser", "command", "owner"]
"""tray: icon and menu; owner: the owner of the core, which starts desired modules by itself."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The side that asks for an operation or a change. ``pid``: its process, if it has its own."""

    kind: ActorKind
    pid: int | None = None


OwnerKind = Literal["tray", "serve"]
"""The process that owns the core."""

Carrier = Literal["control", "http"]
"""control: the control channel, for processes of this user; http: browser mode."""


@dataclass(frozen=True, slots=True)
class EngineView:
    """The engine for display. ``id`` identifies it in stored data; ``starting``: we are starting
    it. ``cpus``, ``memory`` (bytes): of its machine, None while it does not answer.
    ``down_since``: when it stopped answering, if we saw that. ``start_begun``: when we began to
    start it; ``usual_start``: seconds that a start took before."""

    running: bool
    version: str | None = None
    id: str | None = None
    error: AiServerError | None = None
    starting: bool = False
    cpus: int | None = None
    memory: int | None = None
    down_since: datetime | None = None
    start_begun: datetime | None = None
    usual_start: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as shown. ``state``: the engine's word for its container, or ``absent``."""

    name: str
    container: str
    state: ContainerStatus | Literal["absent"]
    health: Health
    image: str
    is_job: bool
    exit_code: int | None
    started_at: datetime | None
    reason: Text | None
    ports: tuple[Port, ...] = ()
    restarts: int = 0
    """How often its restart policy has restarted the container."""
    memory_limit: int | None = None
    """In bytes; None: no limit."""


ModuleAction = Literal["start", "stop", "stopWithUsers", "restart", "open", "logs", "remove"]
"""stop: the module alone; stopWithUsers: also the modules that need it; open: its page; remove: its
containers and networks."""

StackAction = Literal["start", "stop", "cancel"]
"""start: the chosen modules; stop: everything; cancel: an operation of this process."""

TroubleKind = Literal["blocked", "memory", "unhealthy", "exited", "absent"]
"""blocked: the module can't start; memory: a service ran out of memory; unhealthy: its health check
fails; exited: it exited or can't start; absent: it has no container."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a module does not run as it should. ``service``: the one that is in trouble, if it is
    one; ``since``: if that is known; ``available``: of a service that ran out of memory, the bytes
    that its limit may have, if that is known."""

    kind: TroubleKind
    reason: Text
    service: str | None = None
    since: datetime | None = None
    remedies: tuple[Remedy, ...] = ()
    available: int | None = None


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A module as shown. ``orphan``: it has containers, and no folder in the catalog."""

    name: str
    kind: Kind
    state: State
    ready: int
    total: int
    reason: Text | None
    orphan: bool
    wanted: bool
    used_by: tuple[str, ...]
    open: str | None
    services: tuple[ServiceView, ...]
    abilities: Mapping[ModuleAction, Text | None]
    """Action -> None if it is possible now, else the reason why not (`state.abilities`)."""
    problem: Text | None = None
    """Why it can't start, even if some of it runs."""
    is_outdated: bool = False
    """Its settings have changed since its running containers were created."""
    title: LocalText = field(default_factory=dict)
    summary: LocalText = field(default_factory=dict)
    icon: str = DEFAULT_ICON
    version: str | None = None
    """The tag of its main image."""
    requires: tuple[str, ...] = ()
    since: datetime | None = None
    """The latest start of its running services."""
    memory_limit: int | None = None
    """The sum of its services' limits in bytes; None: one of them has no limit."""
    trouble: Trouble | None = None

    def title_in(self, language: Language) -> str:
        """Its title for display; its name if it has no title."""
        return in_language(self.title, language) or self.name

    def summary_in(self, language: Language) -> str:
        """A one-line description; may be empty."""
        return in_language(self.summary, language)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment."""

    engine: EngineView
    state: State
    modules: tuple[ModuleView, ...]
    operations: tuple[OperationView, ...] = ()
    """The running ones, the last finished one, and failed ones that no later one has replaced."""
    chosen: tuple[str, ...] = ()
    """The modules that *Start all* means."""
    theme: Theme = "system"
    seq: int = 0
    """Counts the changes of the state; always 0 in a client."""
