"""The engine's responses, as frozen values. Containers of ours are `model.Container`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from aiserver_tray.model import Container, ContainerStatus, Health, Port

LogStreamName = Literal["stdout", "stderr"]
"""The outputs of a program."""


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How the engine reaches registries."""

    mirrors: tuple[str, ...] = ()
    """Addresses of registries that it asks for Docker Hub's images first."""
    insecure: tuple[str, ...] = ()
    """Registries by name that it may ask without TLS."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """Addresses of proxies, by ``http`` and ``https``; under ``no_proxy`` the names that it asks
    directly."""
    is_local: bool = True
    """Whether its loopback addresses are those of this machine."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine itself."""

    id: str
    version: str
    api_version: tuple[int, ...]
    """The version in use, such as ``(1, 45)``."""
    cpus: int
    memory: int
    """In bytes."""
    data_root: str
    """The engine's own path."""
    operating_system: str
    is_local: bool
    """Whether ports that it publishes on loopback are on this machine."""
    shares_kernel: bool
    """Whether it also uses this machine's kernel and disk, not a virtual machine as Docker Desktop
    does."""
    log_drivers: tuple[str, ...]
    kernel: str = ""
    """The release of its kernel."""
    nvidia: bool = False
    """Whether it is set up to give containers NVIDIA graphics cards."""
    platform: str = "linux/amd64"
    """Of the images that it runs, such as `linux/arm64`."""
    access: RegistryAccess = field(default_factory=RegistryAccess, repr=False)


@dataclass(frozen=True, slots=True)
class EngineMachine:
    """The machine of an engine. None: unknown, as of a virtual machine that hides it."""

    available_memory: int | None = None
    """Bytes that programs could have."""
    free_disk: int | None = None
    """Bytes that are free on the disk of the engine's data."""
    disk_size: int | None = None
    """Bytes of that disk."""
    kernel: str = ""
    """The release of its kernel."""
    listeners: frozenset[tuple[str, int, str]] | None = None
    """Address, number and protocol of the ports that its programs use."""


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
    """The path in the container."""
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerDetails:
    """More about a container of ours than the state keeps."""

    container: Container
    last_check: HealthCheck | None
    mounts: tuple[Mount, ...]
    environment: tuple[str, ...]
    """The names of its variables, without their values."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources that a container has used so far."""

    time: float
    """Seconds since 1970, by the engine's clock."""
    cpu: int
    """Nanoseconds of processors since the container's start."""
    system: int
    """Nanoseconds of processors of the whole machine."""
    cpus: int
    """The number of processors of the machine."""
    memory: int
    """Bytes now, without the page cache."""
    limit: int = 0
    """The container's memory limit in bytes. Without one, the memory of the machine."""
    rx: int = 0
    """Bytes received since the container's start."""
    tx: int = 0
    """Bytes sent since then."""
    read: int = 0
    """Bytes read from disks since then."""
    write: int = 0
    """Bytes written to disks since then."""
    pids: int = 0
    """Processes and threads now."""


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
class VolumeUse:
    """A volume, and its size when it was counted."""

    name: str
    labels: Mapping[str, str] = field(repr=False)
    size: int | None
    """In bytes. None: the engine can't tell, as with a driver of its own."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image."""

    id: str
    """Equal for images that share it: it identifies the layer with all that are below it."""
    size: int | None
    """In bytes, unpacked. None: not known."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image on the engine."""

    id: str
    reference: str
    """The value of a container's ``Image`` that selects it: the requested name, or the ID if the
    engine has that content (a digest) only under a mirror's name."""
    names: tuple[str, ...]
    size: int
    """In bytes."""
    volumes: tuple[str, ...] = ()
    """The folders that it declares as volumes. Known from `find` by name, a pull or a build."""
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Known as its `volumes` are."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Its names without those of digests."""
        return tuple(name for name in self.names if "@" not in name)


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """More about an image than the list of images has."""

    layers: tuple[Layer, ...]
    """The lowest first."""
    tagged_at: datetime | None
    """When it last got a name on this engine, by a pull or a build. None: not known."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network."""

    id: str
    name: str
    labels: Mapping[str, str] = field(repr=False)
    containers: tuple[str, ...] = ()
    """The IDs of the attached ones, from `find` only."""
    subnets: tuple[str, ...] = ()
    """The ranges of addresses that only its containers have, such as ``172.18.0.0/16``."""


@dataclass(frozen=True, slots=True)
class Volume:
    name: str
    labels: Mapping[str, str] = field(repr=False)
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a container."""

    id: str
    action: str
    """The engine's word: ``start``, ``die``, ``health_status``."""
    detail: str
    """The part after the colon of the engine's word, such as ``healthy``."""
    attributes: Mapping[str, str] = field(repr=False)
    """The container's labels, ``name``, ``image``, ``exitCode``."""
    time_ns: int
    """When, by the engine's clock: nanoseconds since 1970."""


class LogLine(NamedTuple):
    """A line of a container's log, without the line end. ``time``: nanoseconds since 1970, by the
    engine's clock; None: it is a part of the line before."""

    stream: LogStreamName
    time: int | None
    text: str


@dataclass(frozen=True, slots=True)
class LayerProgress:
    """How far a layer of a pull is. Sizes are in bytes as they are downloaded, compressed."""

    current: int = 0
    total: int = 0
    """0: not known yet."""
    unpacked: int = 0
    state: Literal["waiting", "loading", "loaded", "unpacked", "present"] = "waiting"
    """`present`: the engine had it before."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """The progress of a pull."""

    layers: Mapping[str, LayerProgress] = field(default_factory=dict)
    """By the first 12 digits of the digest, the lowest layer first. More become known during the
    pull."""
