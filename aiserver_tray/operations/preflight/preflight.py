"""Checks before any change: everything that would make an `up` fail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.operations.preflight.names import name_problems
from aiserver_tray.operations.preflight.ports import port_problems
from aiserver_tray.operations.preflight.resources import memory_notices, resource_problems
from aiserver_tray.operations.preflight.volumes import keep_problems, use_problems
from aiserver_tray.operations.survey import Machine, Survey, inspect_machine, survey
from aiserver_tray.spec.model import ModuleTarget

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine


@dataclass(frozen=True)
class Report:
    """``errors`` block the operation; ``notices`` are shown to the user."""

    errors: tuple[AiServerError, ...]
    notices: tuple[Text, ...]


def preflight(targets: Sequence[ModuleTarget], found: Survey, engine: "Engine") -> Report:
    """Check whether *targets* can be created, next to what was *found* on *engine*.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    machine = inspect_machine(engine, found, targets)
    errors, notices = problems(targets, found, machine), memory_notices(targets, found, machine)
    return Report(tuple(errors), (*notices, *first_start_notices(targets, found)))


def port_conflict(
    target: ModuleTarget, installation: str, engine: "Engine"
) -> AiServerError | None:
    """The owner of a port of *target*, if the port was taken after `preflight`.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    found = survey(engine, installation)
    machine = inspect_machine(engine, found, [target])
    return next(iter(port_problems([target], found, machine)), None)


def problems(
    targets: Sequence[ModuleTarget], found: Survey, machine: Machine
) -> list[AiServerError]:
    """All blockers of *targets* at once: permissions that the user has not allowed, names, ports,
    resources, and volumes that were created for another use or with other secrets (if
    `with_keep_labels` gave the targets their fingerprints)."""
    return [
        *untrusted(targets),
        *name_problems(targets, found),
        *use_problems(targets, found),
        *keep_problems(targets, found),
        *port_problems(targets, found, machine),
        *resource_problems(targets, found, machine),
    ]


def first_start_notices(targets: Iterable[ModuleTarget], found: Survey) -> list[Text]:
    """The needs of services that have no data on the engine yet."""
    return [
        service.first_start
        for target in targets
        for service in target.services
        if service.first_start and not found.volumes.keys() >= {*service.volumes}
    ]


def untrusted(targets: Iterable[ModuleTarget]) -> list[AiServerError]:
    """The errors of those of *targets* that ask for permissions that the user has not allowed."""
    return [target.untrusted for target in targets if target.untrusted]
