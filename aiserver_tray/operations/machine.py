"""What the engine's machine has, and which of its ports are spoken for, as far as some modules
depend on it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.model import Port
from aiserver_tray.operations.plan.survey import Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.system import ports, resources
from aiserver_tray.system.ports import PortOwner, overlap
from aiserver_tray.system.reserved_ports import ReservedRange

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine


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
        """Whether only one of the two can be had."""
        is_same = (self.number, self.protocol) == (other.number, other.protocol)
        return is_same and overlap(self.address, other.address)


@dataclass(frozen=True)
class Machine:
    """``claims``: the ports that a container, by its id, has or will ask for when it is started;
    our own containers of the modules in question are not among them.
    ``listeners``: the wanted ports that a process of this machine has, and which, where that may
    be seen, or that its system keeps back. ``memory`` (bytes) is the engine's.
    ``available_memory`` and ``free_disk`` (bytes, of the engine's data) are known only where the
    engine shares this machine's kernel.
    ``is_free``: whether a port could be had as far as this machine is concerned.
    """

    memory: int
    claims: Mapping[str, frozenset[HostPort]] = field(default_factory=dict)
    listeners: Mapping[HostPort, PortOwner | ReservedRange | None] = field(default_factory=dict)
    available_memory: int | None = None
    free_disk: int | None = None
    is_free: Callable[[HostPort], bool] = field(default=lambda _: True, compare=False)


def inspect_machine(engine: "Engine", found: Survey, targets: Sequence[ModuleTarget]) -> Machine:
    """All that could be in the way of *targets* beside what *found* tells. Takes a request for
    each container that does not run and is not ours or of another module.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    info = engine.info()
    wanted = wanted_ports(targets)
    is_free = _is_free if info.is_local else _is_free_elsewhere
    return Machine(
        memory=info.memory,
        claims=_claims(engine, found, [t.name for t in targets]) if wanted else {},
        listeners=_listeners(wanted, found.containers, is_free),
        available_memory=resources.available_memory() if info.shares_kernel else None,
        free_disk=resources.free_disk(info.data_root) if info.shares_kernel else None,
        is_free=is_free,
    )


def wanted_ports(targets: Iterable[ModuleTarget]) -> frozenset[HostPort]:
    """Every host port that *targets* publish on."""
    return frozenset(
        HostPort.of(port) for t in targets for service in t.services for port in service.ports
    )


def _claims(
    engine: "Engine", found: Survey, modules: Collection[str | None]
) -> dict[str, frozenset[HostPort]]:
    return {
        container.id: frozenset(map(HostPort.of, _ports(engine, container)))
        for container in found.containers
        # These stay as they are or are made anew.
        if not (found.is_ours(container) and container.labels.get(labels.MODULE) in modules)
    }


def _ports(engine: "Engine", container: ContainerSummary) -> Sequence[Port]:
    if container.status in ("running", "paused"):
        return container.ports
    try:
        return engine.containers.port_claims(container.id)
    except ObjectNotFoundError:  # removed meanwhile
        return ()


def _listeners(
    wanted: Iterable[HostPort],
    containers: Iterable[ContainerSummary],
    is_free: Callable[[HostPort], bool],
) -> dict[HostPort, PortOwner | ReservedRange | None]:
    """Which of the *wanted* ports a process has that does not serve one of *containers*."""
    published = [HostPort.of(port) for container in containers for port in container.ports]
    return {
        port: ports.port_owner(*port)
        for port in wanted
        if not any(map(port.collides, published)) and not is_free(port)
    }


def _is_free(port: HostPort) -> bool:
    return ports.is_free(*port)


def _is_free_elsewhere(_: HostPort) -> bool:
    """Of another machine's ports nothing is known."""
    return True
