"""A service and the smaller sections of it."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from aiserver_tray.catalog.compose.build import Build, Ulimit
from aiserver_tray.catalog.compose.deploy import Deploy, GpuRequest
from aiserver_tray.catalog.compose.fields import (
    Bytes,
    Closed,
    Command,
    Environment,
    Extensible,
    Flag,
    Given,
    Hosts,
    Integer,
    Items,
    LoggingOptions,
    Mapping,
    Name,
    Nanoseconds,
    Number,
    NumbersOrStrings,
    StorageOptions,
    StringOrList,
    Truncated,
    Unsigned,
    UnsignedTruncated,
    WholeBytes,
    between,
    one_of,
)
from aiserver_tray.catalog.compose.resources import FileMount, Mount, Port, ServiceNetwork

CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


class WeightDevice(Closed):
    """A block device's share of input and output."""

    path: str = Field(default="", serialization_alias="Path")
    weight: Unsigned = Field(default=0, serialization_alias="Weight")

    always_printed: ClassVar[frozenset[str]] = frozenset({"path", "weight"})


class ThrottleDevice(Closed):
    """A block device's bytes or operations per second."""

    path: str = Field(default="", serialization_alias="Path")
    rate: WholeBytes = Field(default=0, serialization_alias="Rate")

    always_printed: ClassVar[frozenset[str]] = frozenset({"path", "rate"})


class BlkioConfig(Closed):
    """Limits on block devices."""

    weight: Unsigned = 0
    weight_device: list[WeightDevice] = Field(default_factory=list)
    device_read_bps: list[ThrottleDevice] = Field(default_factory=list)
    device_read_iops: list[ThrottleDevice] = Field(default_factory=list)
    device_write_bps: list[ThrottleDevice] = Field(default_factory=list)
    device_write_iops: list[ThrottleDevice] = Field(default_factory=list)


class CredentialSpec(Extensible):
    """Windows credentials."""

    config: str = ""
    file: str = ""
    registry: str = ""


class Dependency(Extensible):
    """The condition that another service must meet before this one starts."""

    always_printed: ClassVar[frozenset[str]] = frozenset({"required"})

    condition: Annotated[str, one_of(*CONDITIONS)]
    restart: Flag = False
    required: bool = True


class Device(Extensible):
    """A device of the host."""

    source: str
    target: str
    permissions: str = ""


class Hook(Extensible):
    """A command that runs inside a container at a turn of its life."""

    always_printed: ClassVar[frozenset[str]] = frozenset({"command"})

    command: Command = None
    user: str = ""
    privileged: Flag = False
    working_dir: str = ""
    environment: Environment = Field(default_factory=dict)


class Watch(Extensible):
    """The action after a change of source files."""

    always_printed: ClassVar[frozenset[str]] = frozenset({"path", "action"})

    path: str
    action: Annotated[str, one_of("rebuild", "sync", "restart", "sync+restart", "sync+exec")]
    target: str = ""
    exec: Hook = Hook()
    ignore: list[str] = Field(default_factory=list)


class Develop(Extensible):
    """Help for developing."""

    watch: list[Watch] = Field(default_factory=list)


class EnvFile(Closed):
    """A file of variables."""

    path: str
    required: Flag = True
    format: str = ""


def _shell_test(value: object) -> object:
    return ["CMD-SHELL", value] if isinstance(value, str) else value


class Healthcheck(Extensible):
    """The health check of a container."""

    test: Annotated[list[str], BeforeValidator(_shell_test)] = Field(default_factory=list)
    timeout: Given[Nanoseconds] = None
    interval: Given[Nanoseconds] = None
    retries: Given[UnsignedTruncated] = None
    start_period: Given[Nanoseconds] = None
    start_interval: Given[Nanoseconds] = None
    disable: Flag = False


class Logging(Extensible):
    """The logging driver of a container, with its options."""

    driver: str = ""
    options: LoggingOptions = Field(default_factory=dict)


class Service(Extensible):
    """One service; sizes in bytes, durations in nanoseconds."""

    always_printed: ClassVar[frozenset[str]] = frozenset({"command", "entrypoint"})

    profiles: Items = Field(default_factory=list)
    annotations: Mapping = Field(default_factory=dict)
    attach: Given[Flag] = None
    build: Given[Build] = None
    develop: Develop | None = None
    blkio_config: Given[BlkioConfig] = None
    cap_add: Items = Field(default_factory=list)
    cap_drop: Items = Field(default_factory=list)
    cgroup_parent: str = ""
    cgroup: Annotated[str, one_of("host", "private")] = ""
    cpu_count: Annotated[Integer, between(0, 2**63 - 1)] = 0
    cpu_percent: Annotated[Integer, between(0, 100)] = 0
    cpu_period: Truncated = 0
    cpu_quota: Truncated = 0
    cpu_rt_period: Truncated = 0
    cpu_rt_runtime: Truncated = 0
    cpus: Number = 0.0
    cpuset: str = ""
    cpu_shares: Truncated = 0
    command: Command = None
    configs: list[FileMount] = Field(default_factory=list)
    container_name: str = ""
    credential_spec: Given[CredentialSpec] = None
    depends_on: dict[str, Dependency] = Field(default_factory=dict)
    deploy: Deploy | None = None
    device_cgroup_rules: Items = Field(default_factory=list)
    devices: list[Device] = Field(default_factory=list)
    dns: StringOrList = Field(default_factory=list)
    dns_opt: Items = Field(default_factory=list)
    dns_search: StringOrList = Field(default_factory=list)
    domainname: str = ""
    entrypoint: Command = None
    environment: Environment = Field(default_factory=dict)
    env_file: list[EnvFile] = Field(default_factory=list)
    expose: NumbersOrStrings = Field(default_factory=list)
    external_links: Items = Field(default_factory=list)
    extra_hosts: Hosts = Field(default_factory=dict)
    group_add: NumbersOrStrings = Field(default_factory=list)
    gpus: list[GpuRequest] = Field(default_factory=list)
    hostname: str = ""
    healthcheck: Given[Healthcheck] = None
    image: str = ""
    init: Given[Flag] = None
    ipc: str = ""
    isolation: str = ""
    labels: Mapping = Field(default_factory=dict)
    label_file: list[str] = Field(default_factory=list)
    links: Items = Field(default_factory=list)
    logging: Given[Logging] = None
    mem_limit: Bytes = 0
    mem_reservation: WholeBytes = 0
    memswap_limit: Bytes = 0
    mem_swappiness: WholeBytes = 0
    mac_address: str = ""
    network_mode: str = ""
    networks: dict[Name, ServiceNetwork | None] = Field(default_factory=dict)
    oom_kill_disable: Flag = False
    oom_score_adj: Annotated[Integer, between(-1000, 1000)] = 0
    pid: str | None = ""
    pids_limit: Truncated = 0
    platform: str = ""
    ports: list[Port] = Field(default_factory=list)
    privileged: Flag = False
    pull_policy: Annotated[str, one_of("always", "never", "if_not_present", "build", "missing")] = (
        ""
    )
    read_only: Flag = False
    restart: str = ""
    runtime: str = ""
    scale: Given[Integer] = None
    secrets: list[FileMount] = Field(default_factory=list)
    security_opt: Items = Field(default_factory=list)
    shm_size: Bytes = 0
    stdin_open: Flag = False
    stop_grace_period: Given[Nanoseconds] = None
    stop_signal: str = ""
    storage_opt: StorageOptions = Field(default_factory=dict)
    sysctls: Mapping = Field(default_factory=dict)
    tmpfs: StringOrList = Field(default_factory=list)
    tty: Flag = False
    ulimits: dict[str, Ulimit] = Field(default_factory=dict)
    user: str = ""
    userns_mode: str = ""
    uts: str = ""
    volumes: list[Mount] = Field(default_factory=list)
    volumes_from: Items = Field(default_factory=list)
    working_dir: str = ""
    post_start: list[Hook] = Field(default_factory=list)
    pre_stop: list[Hook] = Field(default_factory=list)

    @property
    def replicas(self) -> int:
        """The number of containers to run."""
        if self.scale is not None:
            return self.scale
        if self.deploy and self.deploy.replicas is not None:
            return self.deploy.replicas
        return 1
