"""Host ports that are wanted and taken (pure)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import AiServerError, PortConflictError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.operations.survey import HostPort, Machine, Survey, inspect_ports, wanted_ports
from aiserver_tray.spec.model import ModuleTarget, ServiceTarget
from aiserver_tray.system.ports import ReservedRange, free_port_near

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine


@dataclass(frozen=True)
class _Conflict:
    """A service can't have a port, since *owner* has it or will."""

    service: ServiceTarget
    port: HostPort
    owner: Text


def port_problems(
    targets: Sequence[ModuleTarget], survey: Survey, machine: Machine
) -> list[AiServerError]:
    """One error for each port number that a service can't have, with a free port for each that is
    offered once only."""
    offers = _Offers(targets, machine)
    reported: set[tuple[str, int]] = set()
    errors: list[AiServerError] = []
    for conflict in _conflicts(targets, survey, machine):
        key = (conflict.service.address, conflict.port.number)
        # Another address, or udp beside tcp, uses the same setting, so one error is enough.
        if key not in reported:
            reported.add(key)
            errors.append(_error(conflict, offers.near(conflict.port)))
    return errors


@dataclass(frozen=True)
class PortUse:
    """A port that is in use: by which container or process, and a free port near it."""

    owner: Text
    free: int


def port_use(module: str, port: HostPort, engine: "Engine", installation: str) -> PortUse | None:
    """The use that keeps *module* from publishing on *port*. None if the port is free, or the
    module's own.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    survey = Survey(installation, tuple(engine.containers.summaries()))
    machine = inspect_ports(engine, survey, [port], [module])
    owner = _container(port, survey, machine) or _process(port, machine)
    return PortUse(owner, _Offers((), machine).near(port)) if owner else None


def _error(conflict: _Conflict, free: int) -> PortConflictError:
    port = conflict.port
    setting = conflict.service.port_settings.get(port.number)
    module = conflict.service.module
    return PortConflictError(module, port.address, port.number, conflict.owner, free, setting)


def _conflicts(
    targets: Iterable[ModuleTarget], survey: Survey, machine: Machine
) -> Iterator[_Conflict]:
    # If another container claims a port that our container already has, the other one can't get it.
    had = {c.name: {HostPort.of(port) for port in c.ports} for c in survey.ours}
    earlier: list[tuple[HostPort, ServiceTarget]] = []
    services = [service for target in targets for service in target.services]
    for service in services:
        own = [HostPort.of(port) for port in service.ports]
        for port in own:
            owner = _planned(port, earlier)
            if owner is None and port not in had.get(service.container, ()):
                owner = _container(port, survey, machine) or _process(port, machine)
            if owner:
                yield _Conflict(service, port, owner)
        earlier += [(port, service) for port in own]


def _planned(port: HostPort, earlier: Iterable[tuple[HostPort, ServiceTarget]]) -> Text | None:
    for other, service in earlier:
        if port.collides(other):
            return Text("{service}, which starts in the same operation", service=service.address)
    return None


def _container(port: HostPort, survey: Survey, machine: Machine) -> Text | None:
    for container in survey.containers:
        if any(map(port.collides, machine.claims.get(container.id, ()))):
            return _named(container)
    return None


def _named(container: ContainerSummary) -> Text:
    if container.status in ("running", "paused", "restarting"):
        return Text("the container {name}", name=container.name)
    return Text("the stopped container {name}", name=container.name)


def _process(port: HostPort, machine: Machine) -> Text | None:
    if port not in machine.listeners:
        return None
    owner = machine.listeners[port]
    if isinstance(owner, ReservedRange):
        return Text(
            "Windows, which reserves the ports {first} to {last} (list all: `netsh interface "
            "ipv4 show excludedportrange protocol={protocol}`)",
            first=owner.first,
            last=owner.last,
            protocol=port.protocol,
        )
    if owner is None:
        return Text("another program or the operating system")
    if owner.program is None:
        return Text("process {pid}", pid=owner.pid)
    return Text("{program} (process {pid})", program=owner.program, pid=owner.pid)


class _Offers:
    """Free ports to offer, each only once."""

    def __init__(self, targets: Iterable[ModuleTarget], machine: Machine) -> None:
        claimed = {port for ports in machine.claims.values() for port in ports}
        self._around = machine
        self._taken = {port.number for port in {*wanted_ports(targets), *claimed}}

    def near(self, port: HostPort) -> int:
        """One near *port*, free on its address."""

        def is_usable(number: int) -> bool:
            moved = port._replace(number=number)
            return number not in self._taken and self._around.is_free(moved)

        free = free_port_near(port.number, is_usable)
        self._taken.add(free)
        return free
