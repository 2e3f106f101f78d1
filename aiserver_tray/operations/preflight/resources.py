"""Memory, disk and cards that modules need and the engine's machine lacks (pure)."""

from collections.abc import Iterable, Iterator, Sequence

from aiserver_tray.base.errors import AiServerError, ResourcesError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.operations.survey import Machine, Survey, asks_for_card
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget

_USABLE_MEMORY_SHARE = 0.9
"""Part of a machine's memory that its system has at least: firmware and kernel keep the rest."""


def resource_problems(
    targets: Sequence[ModuleTarget], survey: Survey, machine: Machine
) -> list[AiServerError]:
    """Resources without which *targets* can't run. Unknown values of a machine are no problem."""
    return [
        *(_too_big(t, machine.memory) for t in targets if memory_need(t) > machine.memory),
        *_disk(_new(targets, survey), machine.free_disk),
        *_cards(targets, machine.kept_cards),
    ]


def memory_notices(targets: Sequence[ModuleTarget], survey: Survey, machine: Machine) -> list[Text]:
    """Notices about memory that may make *targets* slow."""
    return [
        *(_small_machine(t, machine.memory) for t in targets if _is_small(t, machine.memory)),
        *_together(targets, survey, machine),
    ]


def _is_small(target: ModuleTarget, total: int) -> bool:
    return total < parse_size(target.module.needs.total_memory or 0) * _USABLE_MEMORY_SHARE


def _small_machine(target: ModuleTarget, total: int) -> Text:
    return Text(
        "The makers of {module} recommend {asked} memory in total, but the engine has {total}. "
        "It may be slow, or run out of memory.",
        module=target.name,
        asked=binary_size(parse_size(target.module.needs.total_memory or 0)),
        total=binary_size(total),
    )


def _together(targets: Sequence[ModuleTarget], survey: Survey, machine: Machine) -> Iterator[Text]:
    starting = [t for t in targets if t.name not in _running(survey)]
    together = sum(map(memory_need, targets))
    more = sum(map(memory_need, starting))
    available = machine.available_memory
    if together > machine.memory:
        yield Text(
            "{modules} need {needed} memory together, but the engine has {total}. They may be "
            "slow, or run out of memory.",
            modules=_names(targets),
            needed=binary_size(together),
            total=binary_size(machine.memory),
        )
    elif available is not None and more > available:
        yield Text(
            "{needed} of memory is needed for {modules}, but only {available} is free now. Close "
            "other programs if your machine gets slow.",
            modules=_names(starting),
            needed=binary_size(more),
            available=binary_size(available),
        )


def _too_big(target: ModuleTarget, total: int) -> ResourcesError:
    name, needed = target.name, memory_need(target)
    text = Text(
        "{module} needs {needed} memory, but the engine has {total}. Give the engine more memory "
        "(in Docker Desktop: Settings > Resources; for Windows' own engine: Settings > Docker "
        "here), or don't start this module.",
        module=name,
        needed=binary_size(needed),
        total=binary_size(total),
    )
    return ResourcesError(text, resource="memory", module=name, needed=needed, available=total)


def _disk(new: Sequence[ModuleTarget], free: int | None) -> list[AiServerError]:
    needed = sum(map(_disk_need, new))
    if free is None or needed <= free:
        return []
    text = Text(
        "The images and data of {modules} need {needed} of disk space, but the engine has "
        "{free}. Free {missing} more. `aiserver-tray cleanup` shows what can go.",
        modules=_names([t for t in new if _disk_need(t)]),
        needed=binary_size(needed),
        free=binary_size(free),
        missing=binary_size(needed - free),
    )
    modules = [t.name for t in new if _disk_need(t)]
    return [ResourcesError(text, resource="disk", modules=modules, needed=needed, available=free)]


def _cards(targets: Sequence[ModuleTarget], kept: Sequence[str] | None) -> Iterator[ResourcesError]:
    if kept is None:
        return
    text = Text(
        "{module}/{service} needs a graphics card. This computer has {cards}, but the engine gives "
        "it to no container. Install the NVIDIA Container Toolkit, run: sudo nvidia-ctk runtime "
        "configure --runtime=docker, and restart Docker. Without the card, write in "
        "compose.override.yaml: `deploy: !reset null` (`gpus: !reset null`)."
    )
    if not kept:
        text = Text(
            "{module}/{service} needs a graphics card, but NVIDIA's driver (nvidia-smi) shows none "
            "on this computer. If it has one, install the driver and, on Linux, the NVIDIA "
            "Container Toolkit; on macOS, containers get no card. Without one, write in "
            "compose.override.yaml: `deploy: !reset null` (`gpus: !reset null`)."
        )
    for target in targets:
        for service in filter(asks_for_card, target.services):
            names = {"module": target.name, "service": service.service, "cards": "; ".join(kept)}
            why = text.with_values(names)
            yield ResourcesError(why, resource="card", module=target.name, cards=[*kept])


def _new(targets: Iterable[ModuleTarget], survey: Survey) -> list[ModuleTarget]:
    """The modules without any container or volume yet."""
    there = {container.labels.get(labels.MODULE) for container in survey.ours}
    there |= {volume.module for volume in survey.our_volumes}
    return [target for target in targets if target.name not in there]


def _running(survey: Survey) -> set[str | None]:
    running = (container for container in survey.ours if container.status == "running")
    return {container.labels.get(labels.MODULE) for container in running}


def memory_need(target: ModuleTarget) -> int:
    """The bytes that the module uses."""
    return parse_size(target.module.needs.memory or 0)


def _disk_need(target: ModuleTarget) -> int:
    return parse_size(target.module.needs.disk or 0)


def _names(targets: Iterable[ModuleTarget]) -> str:
    return ", ".join(target.name for target in targets)
