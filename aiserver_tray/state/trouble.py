"""Why a module does not run as it should, and the next steps (pure)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from aiserver_tray.base.errors.remedies import Remedy, logs, restart, set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Container, ModuleModel, ServiceModel
from aiserver_tray.state.judge import ALIVE, Judgement
from aiserver_tray.state.views import Trouble, TroubleKind

_MIB: Final = 2**20
_UNITS: Final = (256 * _MIB, 32 * _MIB, _MIB)
"""A new limit is a multiple of the first of these that it has at least four of."""
_GROWTH: Final = 1.5
"""A limit that was too low is raised by this factor, if there is enough memory."""


def trouble(
    model: ModuleModel,
    judged: Sequence[Judgement],
    containers: Mapping[str, Container],
    spare: int | None,
) -> Trouble | None:
    """The trouble of a module: why it can't start, or else of its first service in error.
    *containers*: by name. *spare*: bytes of the engine's memory that no limit of a running service
    covers; None: not known."""
    if model.problem:
        return Trouble("blocked", model.problem, remedies=model.remedies)
    for judgement in judged:
        if judgement.state == "error" and judgement.view.reason:
            services = {service.name: service for service in model.services}
            container = containers.get(judgement.view.container)
            return _of_service(model.name, judgement, services, container, spare)
    return None


def _of_service(
    module: str,
    judgement: Judgement,
    services: Mapping[str, ServiceModel],
    container: Container | None,
    spare: int | None,
) -> Trouble:
    name, reason = judgement.view.name, judgement.view.reason or Text("")
    show_logs = logs(f"{module}/{name}")
    if container is None:
        return Trouble("absent", reason, name, remedies=(restart(module, Text("Start again")),))
    since = _since(container)
    if container.oom_killed and name in services:
        own = services[name].memory if container.status in ALIVE else 0
        available = None if spare is None else spare + (own or 0)
        raised = _raised(services[name], available)
        again = restart(module, Text("Restart as it is")) if raised else restart(module)
        return Trouble("memory", reason, name, since, (*raised, again, show_logs), available)
    # The engine keeps the health of a container that has exited.
    is_sick = container.status in ALIVE and container.health == "unhealthy"
    kind: TroubleKind = "unhealthy" if is_sick else "exited"
    return Trouble(kind, reason, name, since, (restart(module), show_logs))


def _since(container: Container) -> datetime | None:
    if container.status == "running":
        return container.unhealthy_since
    return container.finished_at


def _raised(service: ServiceModel, available: int | None) -> list[Remedy]:
    """The offer to raise the limit of *service*, as far as *available* memory allows it."""
    if service.memory is None or service.memory_setting is None or available is None:
        return []
    wanted = min(service.memory * _GROWTH, available)
    unit = next(unit for unit in _UNITS if wanted >= 4 * unit or unit == _UNITS[-1])
    mebibytes = int(wanted // unit * unit) // _MIB
    if mebibytes * _MIB <= service.memory:
        return []
    text = Text("Raise to {size} and restart", size=_shown(mebibytes))
    return [set_to(text, service.memory_setting, _value(mebibytes))]


def _value(mebibytes: int) -> str:
    """The size as a setting takes it."""
    return f"{mebibytes}m" if mebibytes % 1024 else f"{mebibytes // 1024}g"


def _shown(mebibytes: int) -> str:
    return f"{mebibytes} MB" if mebibytes < 1024 else f"{mebibytes / 1024:g} GB"
