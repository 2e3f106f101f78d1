"""The engine's responses, as frozen values. Containers of ours are `model.Container`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from aiserver_tray.model import Container, ContainerStatus, Health, Port

LogStreamName = Literal["stdout", "stderr"]
"""The outputs of a program."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine itself. ``api_version`` is the version in use (``(1, 45)``), ``memory`` is in
    bytes, ``data_root`` the engine's own path.

    ``is_local``: ports that it publishes on loopback are on this machine. ``shares_kernel``: it
    also uses this machine's kernel and disk, not a virtual machine as Docker Desktop does.
    """

    id: str
    version: str
    api_version: tuple[int, ...]
    cpus: int
    memory: int
    data_root: str
    operating_system: str
    is_local: bool
    shares_kernel: bool
    log_drivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerSummary:
    """A container in the list, ours or foreign."""

    id: str
    name: str
    labels: Mapping[str, str] = field(repr=False)
    status: ContainerStatus
    health: Health
    image: str
    image_id: str
    ports: tuple[Port, ...]
    """Published now; a container that does not run has none."""
    networks: frozenset[str] = frozenset()
    """The networks by name; also those of a stopped container."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The last run of a health check."""

    ended_at: datetime | None
    exit_code: int
    output: str
    """the end of its output"""


@dataclass(frozen=True, slots=True)
class Mount:
    """Something that a container has mounted."""

    kind: str
    """the engine's word, such as `volume`, `bind` or `tmpfs`"""
    source: str
    """the volume's name, or the path on the engine's machine; may be empty"""
    target: str
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerDetails:
    """More about a container of ours than the state keeps. ``environment``: the names of its
    variables, without their values."""

    container: Container
    last_check: HealthCheck | None
    mounts: tuple[Mount, ...]
    environment: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources that a container has used by ``time`` (seconds since 1970, the engine's clock).

    ``cpu``: nanoseconds of processors since its start; ``system``: those of the whole machine,
    which has ``cpus`` of them. ``memory``: bytes now, without the page cache; ``limit``: of its
    memory, in bytes, without a limit of its own that of the machine. ``rx``, ``tx``: bytes
    received and sent since its start; ``read``, ``write``: those of disks. ``pids``: its
    processes and threads now.
    """

    time: float
    cpu: int
    system: int
    cpus: int
    memory: int
    limit: int = 0
    rx: int = 0
    tx: int = 0
    read: int = 0
    write: int = 0
    pids: int = 0


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes on the engine's disk."""

    images: int
    containers: int
    """written by containers outside of volumes"""
    volumes: int
    build_cache: int
    unused: int
    """of images without a container, and of build cache that is not in use"""


@dataclass(frozen=True, slots=True)
class Image:
    """An image on the engine; ``size`` in bytes. ``volumes``: the folders that it declares as
    volumes (known from `find` by name, a pull or a build).

    ``reference`` is the value of a container's ``Image`` that selects it: the requested name, or
    the ID if the engine has that content (a digest) only under a mirror's name.
    """

    id: str
    reference: str
    names: tuple[str, ...]
    size: int
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A network. ``containers`` are the ids of those attached (by `find` only)."""

    id: str
    name: str
    labels: Mapping[str, str] = field(repr=False)
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    name: str
    labels: Mapping[str, str] = field(repr=False)
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a container. ``action`` is the engine's word (``start``, ``die``,
    ``health_status``); the part after its colon is ``detail`` (``healthy``). ``attributes`` has the
    container's labels, ``name``, ``image``, ``exitCode``."""

    kind: Literal["container"]
    id: str
    action: str
    detail: str
    attributes: Mapping[str, str] = field(repr=False)
    time_ns: int
    """When, by the engine's clock: nanoseconds since 1970."""


class LogLine(NamedTuple):
    """A line of a container's log, without the line end. ``time``: nanoseconds since 1970, by the
    engine's clock; None: it is a part of the line before."""

    stream: LogStreamName
    time: int | None
    text: str


@dataclass(frozen=True, slots=True)
class PullProgress:
    """The progress of a pull: bytes, bytes per second, and layers. ``total`` grows while more
    layers become known."""

    current: int = 0
    total: int = 0
    rate: float = 0.0
    layers_done: int = 0
    layers_total: int = 0
