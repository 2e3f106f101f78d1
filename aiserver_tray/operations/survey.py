"""All objects on the engine, ours and foreign, and the machine that it runs on."""

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.engine.values import ContainerSummary, EngineInfo
from aiserver_tray.model import Port
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget, ServiceTarget
from aiserver_tray.system import ports
from aiserver_tray.system.ports import PortOwner, ReservedRange, overlap

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Found:
    """A network or volume of the engine; networks have no time of creation here, volumes no id."""

    name: str
    labels: Mapping[str, str] = field(repr=False)
    created_at: datetime | None = None
    id: str = ""

    @property
    def module(self) -> str | None:
        """The module that it was created for. None if it belongs to no module, or is foreign."""
        return self.labels.get(labels.MODULE)

    @property
    def is_config(self) -> bool:
        """Whether it contains only configuration files, which are written again with each
        container."""
        return labels.CONFIG_OF in self.labels


@dataclass(frozen=True)
class Survey:
    """All containers, networks and volumes on the engine."""

    installation: str
    """Our ID."""
    containers: tuple[ContainerSummary, ...] = ()
    networks: Mapping[str, Found] = field(default_factory=dict)
    """By name. Of several networks with one name, a foreign one counts."""
    volumes: Mapping[str, Found] = field(default_factory=dict)
    """By name."""
    asked_at: float = math.inf
    """Monotonic seconds before the engine was asked."""

    def is_ours(self, found: ContainerSummary | Found) -> bool:
        """Whether it belongs to this installation."""
        return found.labels.get(labels.INSTALLATION) == self.installation

    @property
    def ours(self) -> list[ContainerSummary]:
        return [found for found in self.containers if self.is_ours(found)]

    @property
    def our_networks(self) -> list[Found]:
        """Our networks, with the one that all modules share."""
        return [found for found in self.networks.values() if self.is_ours(found)]

    @property
    def our_volumes(self) -> list[Found]:
        return [found for found in self.volumes.values() if self.is_ours(found)]


def survey(engine: "Engine", installation: str) -> Survey:
    """Everything on *engine*, in three requests.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    asked_at = time.monotonic()
    networks = [Found(n.name, n.labels, id=n.id) for n in engine.networks.all()]
    volumes = [Found(v.name, v.labels, v.created_at) for v in engine.volumes.all()]
    return Survey(
        installation,
        tuple(engine.containers.summaries()),
        _foreign_last(networks, installation),
        _foreign_last(volumes, installation),
        asked_at,
    )


def _foreign_last(found: Iterable[Found], installation: str) -> dict[str, Found]:
    ordered = sorted(found, key=lambda f: f.labels.get(labels.INSTALLATION) != installation)
    return {one.name: one for one in ordered}


class HostPort(NamedTuple):
    """A port of the machine on which the engine publishes."""

    address: str
    number: int
    protocol: str

    @classmethod
    def of(cls, port: Port) -> "HostPort":
        """The host's side of *port*."""
        return cls(port.address, port.host, port.protocol)

    def collides(self, other: "HostPort") -> bool:
        """Whether both ports can't be in use at the same time."""
        is_same = (self.number, self.protocol) == (other.number, other.protocol)
        return is_same and overlap(self.address, other.address)


@dataclass(frozen=True)
class Machine:
    """The engine's machine, as far as modules depend on it."""

    memory: int
    """In bytes, of the engine."""
    claims: Mapping[str, frozenset[HostPort]] = field(default_factory=dict)
    """By container ID: the ports that a container has, or takes when it starts. Our own containers
    of the modules in question are left out."""
    listeners: Mapping[HostPort, PortOwner | ReservedRange | None] = field(default_factory=dict)
    """The wanted ports that a process of the machine uses or that the system reserves, with the
    owner if it is known."""
    available_memory: int | None = None
    """In bytes. Unknown of a virtual machine, as is the disk."""
    free_disk: int | None = None
    """Bytes in the engine's data folder."""
    is_free: Callable[[HostPort], bool] = field(default=lambda _: True, compare=False)
    """Whether a port is free, as far as that is known."""
    kept_cards: tuple[str, ...] | None = None
    """Its NVIDIA graphics cards, if the engine gives them to no container. None: it gives them, or
    that is unknown."""


def inspect_machine(engine: "Engine", found: Survey, targets: Sequence[ModuleTarget]) -> Machine:
    """Collect everything that may conflict with *targets*, besides what *found* has. Sends one
    request for each container that is not running, unless it is ours and of these modules.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    names = [target.name for target in targets]
    machine = inspect_ports(engine, found, wanted_ports(targets), names)
    asks = any(asks_for_card(service) for target in targets for service in target.services)
    return replace(machine, kept_cards=kept_cards(engine.info())) if asks else machine


def asks_for_card(service: ServiceTarget) -> bool:
    """Whether the container of *service* wants an NVIDIA graphics card, or any card."""
    requests = service.body["HostConfig"].get("DeviceRequests") or ()
    return any(
        one.get("Driver") == "nvidia"
        or any(id.startswith("nvidia.com/gpu") for id in one.get("DeviceIDs") or ())
        or (not one.get("Driver") and any("gpu" in all_ for all_ in one.get("Capabilities") or ()))
        for one in requests
    )


def kept_cards(info: EngineInfo) -> tuple[str, ...] | None:
    """The `Machine.kept_cards` of the engine of *info*."""
    from aiserver_tray.system.desktop import (  # noqa: PLC0415 - few modules ask for a card
        graphics_cards,
        has_card_toolkit,
    )

    is_unknown = not info.is_local or (info.shares_kernel and has_card_toolkit())
    return None if info.nvidia or is_unknown else tuple(graphics_cards())


def inspect_ports(
    engine: "Engine", found: Survey, wanted: Collection[HostPort], modules: Collection[str]
) -> Machine:
    """Like `inspect_machine`, for the *wanted* ports of *modules*."""
    info, machine = engine.info(), engine.machine()
    is_free = _is_free if info.is_local else partial(_is_free_elsewhere, machine.listeners or ())
    owner_of = _owner if info.is_local else _no_owner
    busy = [port for port in wanted if not is_free(port)]
    return Machine(
        memory=info.memory,
        claims=_claims(engine, found, modules) if wanted else {},
        listeners={port: owner_of(port) for port in _unpublished(busy, found.containers)},
        available_memory=machine.available_memory,
        free_disk=machine.free_disk,
        is_free=is_free,
    )


def wanted_ports(targets: Iterable[ModuleTarget]) -> frozenset[HostPort]:
    """Every host port that *targets* publish on."""
    return frozenset(HostPort.of(port) for t in targets for s in t.services for port in s.ports)


def _claims(
    engine: "Engine", found: Survey, modules: Collection[str]
) -> dict[str, frozenset[HostPort]]:
    return {
        container.id: frozenset(map(HostPort.of, _ports(engine, container)))
        for container in found.containers
        # These containers are kept or recreated.
        if not (found.is_ours(container) and container.labels.get(labels.MODULE, "") in modules)
    }


def _ports(engine: "Engine", container: ContainerSummary) -> Sequence[Port]:
    if container.status in ("running", "paused"):
        return container.ports
    try:
        return engine.containers.port_claims(container.id)
    except ObjectNotFoundError:  # removed meanwhile
        return ()


def _unpublished(
    busy: Iterable[HostPort], containers: Iterable[ContainerSummary]
) -> list[HostPort]:
    """Those of the *busy* ports that no container of *containers* publishes."""
    published = [HostPort.of(port) for container in containers for port in container.ports]
    return [port for port in busy if not any(map(port.collides, published))]


def _is_free(port: HostPort) -> bool:
    return ports.is_free(*port)


def _owner(port: HostPort) -> PortOwner | ReservedRange | None:
    return ports.port_owner(*port)


def _is_free_elsewhere(listeners: Iterable[tuple[str, int, str]], port: HostPort) -> bool:
    """Unknown ports of another machine count as free."""
    return not any(port.collides(HostPort(*listener)) for listener in listeners)


def _no_owner(_: HostPort) -> None:
    """The programs of another machine are not known."""
