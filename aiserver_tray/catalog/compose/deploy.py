"""The ``deploy`` section of a service: replicas, resources, updates."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.fields import (
    BytesText,
    Extensible,
    Given,
    Integer,
    Items,
    Mapping,
    Nanoseconds,
    Number,
    Truncated,
    Unsigned,
    one_of,
)
from aiserver_tray.catalog.compose.scalars import parse_integer


def _count(value: object) -> int:
    if isinstance(value, str) and value.lower() == "all":
        return -1
    try:
        return parse_integer(value)
    except ValueError:
        raise ValueError(Text("a number or all")) from None


class DeviceRequest(Extensible):
    """A request for devices such as GPUs from a driver; a ``count`` of -1 means all."""

    capabilities: Items
    driver: str = ""
    count: Annotated[int, BeforeValidator(_count)] = 0
    device_ids: Items = Field(default_factory=list)
    options: Mapping = Field(default_factory=dict)


class GpuRequest(DeviceRequest):
    """A device request for GPUs; the capability is implied."""

    capabilities: Items = Field(default_factory=list)


class DiscreteResource(Extensible):
    """A number of some user-defined resource."""

    always_printed: ClassVar[frozenset[str]] = frozenset({"kind", "value"})

    kind: str = ""
    value: Truncated = 0


class GenericResource(Extensible):
    """A user-defined resource."""

    discrete_resource_spec: Given[DiscreteResource] = None


class Limits(Extensible):
    """Upper bounds; ``cpus`` is a number of processors, ``memory`` bytes."""

    cpus: Number = 0.0
    memory: BytesText = 0
    pids: Integer = 0


class Reservations(Extensible):
    """Reserved resources; ``cpus`` is a number of processors, ``memory`` is in bytes."""

    cpus: Number = 0.0
    memory: BytesText = 0
    generic_resources: list[GenericResource] = Field(default_factory=list)
    devices: list[DeviceRequest] = Field(default_factory=list)


class Resources(Extensible):
    """Limits and reservations."""

    limits: Given[Limits] = None
    reservations: Given[Reservations] = None


class UpdateConfig(Extensible):
    """How an update or a rollback replaces the containers."""

    parallelism: Given[Unsigned] = None
    delay: Nanoseconds = 0
    failure_action: str = ""
    monitor: Nanoseconds = 0
    max_failure_ratio: Number = 0.0
    order: Annotated[str, one_of("start-first", "stop-first")] = ""


class RestartPolicy(Extensible):
    """When an exited container is restarted."""

    condition: str = ""
    delay: Given[Nanoseconds] = None
    max_attempts: Given[Unsigned] = None
    window: Given[Nanoseconds] = None


class Preference(Extensible):
    """A label of nodes to spread over."""

    spread: str = ""


class Placement(Extensible):
    """Constraints for the nodes of a service."""

    constraints: list[str] = Field(default_factory=list)
    preferences: list[Preference] = Field(default_factory=list)
    max_replicas_per_node: Unsigned = 0


class Deploy(Extensible):
    """The deployment of a service's containers."""

    mode: str = ""
    replicas: Given[Integer] = None
    labels: Mapping = Field(default_factory=dict)
    update_config: Given[UpdateConfig] = None
    rollback_config: Given[UpdateConfig] = None
    resources: Resources = Resources()
    restart_policy: Given[RestartPolicy] = None
    placement: Placement = Placement()
    endpoint_mode: str = ""
