"""Frozen values that all packages share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from aiserver_tray.base.errors.remedies import Remedy
from aiserver_tray.base.i18n import LocalText, Text

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

Changes = Mapping[str, str | None]
"""New values of settings, by name. None resets the setting; a secret is then generated again."""


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
    """The engine says so until the next start of the container."""
    oom_at: datetime | None = None
    """When a process of it was last killed because memory ran out, by an event of the engine. None:
    never since it is watched. Unlike ``oom_killed``, it outlasts a quick restart."""
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
    """The modules that its service required when it was created. None: unknown."""
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

    @property
    def lost_memory(self) -> bool:
        """A process of it was killed because memory ran out, and no health check has succeeded
        since."""
        return self.oom_killed and self.health != "healthy"


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """A service as the catalog wants it. ``container`` is the name of its container, ``depends_on``
    are services. ``has_pre_stop``: commands must run in it before it is stopped. ``may_end``: an
    exit with code 0 is a success. ``is_main``: its image has the module's version. ``memory``: its
    limit in bytes; None: no limit. ``memory_setting``: the address of the setting for that.
    ``checked``: the paths that its health check requests from it."""

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
    checked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """A module as catalog and settings want it now. ``problem``: why it can't start;
    ``remedies``: the next steps then; ``pages``: its ports that may be web pages, as service and
    port in its container, the best one first."""

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
    pages: tuple[tuple[str, int], ...] = ()


StepStatus = Literal["pending", "running", "done", "skipped", "failed"]
"""skipped: something that it needs failed, or the operation was cancelled."""

StepKind = Literal[
    "pull", "build", "network", "volume", "remove", "create", "start", "wait", "stop",
    "remove_network", "remove_volume", "kernel_setting",
    "clone", "dump", "pack", "unpack", "swap", "proof", "trial", "probe", "discard",
]  # fmt: skip
"""wait: from the start of a service until it is ready. Of backups and restores, clone: a volume
within the engine; dump: a database's snapshot is open; pack: a part is written to the file; unpack:
a part is put beside what is there; swap: it takes its place; proof: a database is restored into a
server that is thrown away, and asked for its tables. Of rehearsals, trial: a service of the new
version becomes ready on a copy; probe: it is asked (also of upgrades); discard: the copy is thrown
away."""


RequestKind = Literal["up", "stop", "down", "restart", "pull", "build"]
"""What a request to the containers of modules can be."""
OperationKind = Literal[RequestKind, "backup", "move", "restore", "rehearse", "upgrade", "adopt"]

IMAGES_ONLY: frozenset[OperationKind] = frozenset({"pull", "build"})
"""Operations that only fetch images."""
BESIDE: frozenset[OperationKind] = IMAGES_ONLY | {"rehearse"}
"""Operations that touch no container of a module."""
TASKS: frozenset[OperationKind] = frozenset({"backup", "move", "restore", "upgrade", "adopt"})
"""Operations that stop what runs for their own work, and start it again."""

OperationStatus = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
"""waiting: for another operation's locks."""


ActorKind = Literal["tray", "window", "browser", "command", "owner"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The side that asks for an operation or a change."""

    kind: ActorKind
    """`tray`: icon and menu; `owner`: the owner of the core, which starts desired modules by
    itself"""
    pid: int | None = None
    """its process; `null` if it has none of its own"""


OwnerKind = Literal["tray", "serve"]
"""The process that owns the core."""

Carrier = Literal["control", "http"]
"""control: the control channel, for processes of this user; http: browser mode."""
