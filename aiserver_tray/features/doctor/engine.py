"""Checks of the engine, and of conflicts for modules there."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from aiserver_tray.base.errors import (
    AiServerError,
    CatalogError,
    NameConflictError,
    PortConflictError,
    ResourcesError,
    SettingError,
)
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.base.strings import OWN_IMAGES, binary_size, in_line, own_image
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import EngineInfo, EngineMachine
from aiserver_tray.features.doctor.connection import examine_connection
from aiserver_tray.features.doctor.finding import Finding, problems
from aiserver_tray.operations.kernel import Kernel
from aiserver_tray.operations.preflight.kernel import KernelReport, examine_kernel
from aiserver_tray.operations.preflight.preflight import preflight
from aiserver_tray.operations.preflight.resources import memory_need
from aiserver_tray.operations.survey import Survey, survey
from aiserver_tray.settings.names import KERNEL_SETTINGS
from aiserver_tray.spec.labels import HOME, INSTALLATION
from aiserver_tray.spec.model import ModuleTarget

_LOW_DISK_BYTES = 5 * 1024**3
"""Bytes. The images of one feature take a few of these."""

_CLOCK_TOLERANCE = timedelta(seconds=30)

_NAMES: tuple[tuple[type[AiServerError], str], ...] = (
    (PortConflictError, "ports"),
    (ResourcesError, "resources"),
    (NameConflictError, "names"),
    (SettingError, "settings"),
    (CatalogError, "catalog"),
)


def examine_engine(
    engine: Engine,
    kernel: Kernel,
    installation: str,
    former: Collection[str],
    targets: Sequence[ModuleTarget],
) -> list[Finding]:
    """Check the engine, its *kernel* and its resources, and look for conflicts with *targets*, and
    for images named like one of *former*, which are no longer used."""
    return [*_address(engine.address), *_asked(engine, kernel, installation, former, targets)]


def _address(address: Address) -> Iterator[Finding]:
    """The engine's address, and how it was found."""
    yield Finding("address", "fact", address.origin)
    if address.notice:
        yield Finding("address", "note", address.notice)


def _asked(
    engine: Engine,
    kernel: Kernel,
    installation: str,
    former: Collection[str],
    targets: Sequence[ModuleTarget],
) -> list[Finding]:
    try:
        info, machine = engine.info(), engine.machine()
        found = survey(engine, installation)
        report = preflight(targets, found, engine)
        settings = examine_kernel(targets, [target.name for target in targets], kernel)
        unused = [*_unused_images(engine, found, former)]
        clock = [*_clock(engine)]
    except AiServerError as error:
        steps = examine_connection(engine).findings if engine.address.is_bridged else []
        failed = any(finding.grade == "problem" for finding in steps)
        return steps if failed else list(problems("engine", [error]))
    errors = [*report.errors, *settings.errors]
    problems_ = [f for error in errors for f in problems(_name(error), [error])]
    notices = (*report.notices, *settings.notices)
    notes = [Finding("resources", "note", notice) for notice in notices]
    notes += _kernel(settings, targets)
    return [
        _engine(engine.host, info),
        _memory(info, machine.available_memory, targets),
        *_disk(info, machine.free_disk),
        *clock,
        *problems_,
        *notes,
        *_all_well(targets, info, machine, {finding.name for finding in (*problems_, *notes)}),
        *_others(found),
        *unused,
    ]


def _name(error: AiServerError) -> str:
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "engine")


def _engine(host: str, info: EngineInfo) -> Finding:
    text = Text(
        "The Docker engine at {host} responds: version {version}, API {api}, {system}.",
        host=host,
        version=info.version,
        api=".".join(map(str, info.api_version)),
        system=info.operating_system,
    )
    return Finding("engine", "ok", text)


def _memory(info: EngineInfo, available: int | None, targets: Sequence[ModuleTarget]) -> Finding:
    total = binary_size(info.memory)
    if available is None:
        text = Text("The engine has {total} memory.", total=total)
    else:
        text = Text(
            "The engine has {total} memory, of which {available} is available.",
            total=total,
            available=binary_size(available),
        )
    if needed := sum(map(memory_need, targets)):
        text = Text(
            "{what} The chosen modules need about {needed}.", what=text, needed=binary_size(needed)
        )
    return Finding("memory", "ok" if needed <= info.memory else "fact", text)


def _disk(info: EngineInfo, free: int | None) -> Iterator[Finding]:
    if free is None:
        return
    values = {"free": binary_size(free), "folder": info.data_root}
    if free < _LOW_DISK_BYTES:
        text = Text(
            "Only {free} of disk space is free in the engine's data folder ({folder}). Free some "
            "space. `aiserver-tray cleanup` shows what can go.",
            **values,
        )
        yield Finding("disk", "note", text)
    else:
        text = Text(
            "{free} of disk space is free in the engine's data folder ({folder}).", **values
        )
        yield Finding("disk", "ok", text)


def _clock(engine: Engine) -> Iterator[Finding]:
    """The engine's clock against this computer's. A virtual machine's may stop while the computer
    sleeps."""
    asked_at = datetime.now(UTC)
    found, answered_at = engine.now(), datetime.now(UTC)
    # Its answer is from any moment between question and answer.
    behind, ahead = asked_at - found, found - answered_at
    values = {"time": str(timedelta(seconds=round(max(behind, ahead).total_seconds())))}
    if behind > _CLOCK_TOLERANCE:
        text = Text(
            "The engine's clock is {time} (hours:minutes:seconds) behind this computer's, as after "
            "sleep. Schedules then run late, and encrypted connections can fail. Restart the "
            "engine. With WSL, quit Docker Desktop if you use it, run `wsl --shutdown`, and start "
            "the engine again.",
            **values,
        )
        yield Finding("clock", "note", text)
    elif ahead > _CLOCK_TOLERANCE:
        text = Text(
            "The engine's clock is {time} (hours:minutes:seconds) ahead of this computer's. "
            "Schedules then run early, and encrypted connections can fail. Let this computer set "
            "its clock from the internet, then restart the engine.",
            **values,
        )
        yield Finding("clock", "note", text)
    else:
        yield Finding("clock", "ok", Text("The clocks of engine and computer agree."))


def _kernel(report: KernelReport, targets: Sequence[ModuleTarget]) -> Iterator[Finding]:
    for fix in report.fixes:
        text = Text(
            "The engine's kernel does not have {setting} yet. The next start of {modules} sets "
            "it, because {address} is true.",
            setting=str(fix),
            modules=_titles(t for t in targets if t.name in fix.modules),
            address=KERNEL_SETTINGS,
        )
        yield Finding("resources", "note", text)


def _all_well(
    targets: Sequence[ModuleTarget], info: EngineInfo, machine: EngineMachine, wrong: set[str]
) -> Iterator[Finding]:
    """Findings for checks without problems. Of some machines, memory and disk are unknown."""
    if not targets:
        return
    modules = _titles(targets)
    if (info.is_local or machine.listeners is not None) and "ports" not in wrong:
        text = Text("No port conflicts for {modules}.", modules=modules)
        yield Finding("ports", "ok", text)
    if "names" not in wrong:
        text = Text("No name conflicts for {modules}.", modules=modules)
        yield Finding("names", "ok", text)
    if machine.free_disk is not None and "resources" not in wrong:
        text = Text("There are enough resources for {modules}.", modules=modules)
        yield Finding("resources", "ok", text)


def _titles(targets: Iterable[ModuleTarget]) -> Text:
    return Listed(target.model.title or target.name for target in targets)


def _others(found: Survey) -> Iterator[Finding]:
    """Other installations of AI-Server Tray on the same engine."""
    names: dict[str, list[str]] = {}
    for container in found.containers:
        owner = container.labels.get(INSTALLATION)
        if owner and owner != found.installation:
            names.setdefault(container.labels.get(HOME, owner), []).append(container.name)
    for owner, containers in sorted(names.items()):
        text = Text(
            "Another installation of AI-Server Tray ({installation}) has containers on this "
            "engine: {containers}. They are not changed.",
            installation=in_line(owner),
            containers=Listed(sorted(containers)),
        )
        yield Finding("installations", "note", text)


def _unused_images(engine: Engine, found: Survey, former: Collection[str]) -> Iterator[Finding]:
    """The images named like one of *former* that no container of *found* has."""
    used = {container.image_id for container in found.containers}
    size, names = 0, list[str]()
    for image in engine.images.named(f"{OWN_IMAGES}*"):
        own = [name for name in image.names if _repository(name) in former]
        if own and image.id not in used:
            names += own
            size += image.size
    if names:
        text = Text(
            "An earlier version of AI-Server Tray built images that are no longer used. They take "
            "up to {size}. Remove them with: docker image rm {images}",
            size=binary_size(size),
            images=" ".join(sorted(names)),
        )
        yield Finding("images", "note", text)


def _repository(name: str) -> str:
    """``aiserver/web`` of the tag ``docker.io/aiserver/web:1``; nothing of other names."""
    return (own_image(name) or "").partition(":")[0]
