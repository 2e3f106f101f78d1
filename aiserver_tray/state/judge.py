"""The state of a service, judged by its container (the rows of the table "Health and colours"), and
the trouble of a module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from aiserver_tray.base.errors.remedies import Remedy, logs, restart, restart_of, set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Container, ModuleModel, ServiceModel, State
from aiserver_tray.state.state import StartFailure
from aiserver_tray.state.views import ServiceView, Trouble, TroubleKind

ALIVE = ("running", "paused", "restarting")
"""Statuses of a container that has not exited."""
ENDED = ("exited", "dead")
_KILLED_CODE: Final = 137
_TRIES: Final = 3
"""Restarts of a container by the engine until it counts as failed."""
KILLED: Final = Text("killed from outside by signal 9")
"""Why a container ended without a cause of its own."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The facts besides its container that decide about a service."""

    wanted: bool
    """the user wants the module"""
    live: bool
    """a service of the module (not a job) has not exited"""
    starting: bool
    """an operation will start it"""
    ending: bool
    """a restart is stopping it"""
    unplanned: bool
    """it exited without an operation, and was not healthy since"""
    tries: int = 0
    """how often the engine has restarted it since it was last ready"""
    has_removed_services: bool = False
    """the module still runs services that its changed file or settings no longer have"""
    awaited: bool = False
    """services that depend on it were not started"""

    @property
    def is_exhausted(self) -> bool:
        """Whether the engine has restarted it in vain."""
        return self.tries > _TRIES


@dataclass(frozen=True, slots=True)
class Judgement:
    """A service's state, whether it counts as ready, and its view."""

    state: State
    view: ServiceView

    @property
    def is_ready(self) -> bool:
        """Whether it is healthy, or a job that has succeeded."""
        return self.state == "running"


def judge(service: ServiceModel, container: Container | None, about: Circumstances) -> Judgement:
    """The state of *service*: stopped, starting, running or error."""
    state, reason = _condition(service, container, about)
    is_coming_back = state == "starting" and _comes_back(container, about)
    view = _view(service, container, reason)
    if is_coming_back:
        view = replace(view, is_coming_back=True, attempt=_attempt(about.tries))
    return Judgement(state, view)


def _condition(
    service: ServiceModel, container: Container | None, about: Circumstances
) -> tuple[State, Text | None]:
    is_well = container and container.is_ready and not container.lost_memory
    if _is_done(service, container, about) or (is_well and not (service.is_job or about.ending)):
        return "running", None
    if about.starting:
        return "starting", None
    if container is None:
        return _absent(service, about)
    if container.status not in ALIVE and not about.wanted:
        return "stopped", None
    why = _trouble(service, container, about)
    if why and not _comes_back(container, about):
        return "error", why
    is_created = container.status == "created"  # the process that created it may have been killed
    return "starting", why or (Text("created, but not started yet") if is_created else None)


def _is_done(service: ServiceModel, container: Container | None, about: Circumstances) -> bool:
    """Whether a job, or another service that may exit, has succeeded. A job without a container
    counts as successful if other services run and none waits for it."""
    if container is None:
        return service.is_job and about.live and not (about.starting or about.awaited)
    may_end = service.is_job or service.may_end
    return may_end and container.ended_well and (about.live or about.wanted)


def _absent(service: ServiceModel, about: Circumstances) -> tuple[State, Text | None]:
    if about.wanted and (about.awaited or not service.is_job):
        if about.has_removed_services:
            return "stopped", Text("new; will be created at the next start of the module")
        return "error", Text("should be running, but has no container")
    return "stopped", None


def _comes_back(container: Container | None, about: Circumstances) -> bool:
    """Whether *container* ended without us, and its restart policy brings it back. This is no
    failure yet, unless it has been tried several times, or memory ran out."""
    if container is None or about.starting or about.is_exhausted or container.oom_killed:
        return False
    is_running = container.status == "running" and container.health != "unhealthy"
    return container.status == "restarting" or (is_running and about.unplanned)


def _trouble(service: ServiceModel, container: Container, about: Circumstances) -> Text | None:
    """The problem of a container that is not ready. None: it is still starting."""
    match container.status:
        case "created":
            return Text("can't start: {why}", why=container.error) if container.error else None
        case "running":
            return _not_healthy(container, about)
        case "paused":
            return Text("paused")
        case "restarting" if about.is_exhausted:
            return Text("keeps exiting and restarting: {why}", why=_end(service, container))
        case "restarting" | "exited" | "dead":
            return _end(service, container)
        case "removing":
            return Text("being removed")
        case _:
            assert_never(container.status)


def _not_healthy(container: Container, about: Circumstances) -> Text | None:
    if container.health == "unhealthy":
        check = container.last_check.strip().partition("\n")[0]
        return Text("unhealthy: {check}", check=check) if check else Text("unhealthy")
    if container.lost_memory:
        return Text("lost a process because it ran out of memory")
    if about.unplanned:
        return Text("exited unexpectedly and is not healthy again yet")
    return None


def _end(service: ServiceModel, container: Container) -> Text:
    is_plain = not (container.oom_killed or container.error or was_killed(container))
    if service.is_job and is_plain:
        return Text("the job failed with exit code {code}", code=container.exit_code)
    return ending(container)


def ending(container: Container) -> Text:
    """Why *container*, which has exited, did so."""
    code = container.exit_code
    if container.oom_killed:
        return Text("ran out of memory (exit code {code})", code=code)
    if container.error:
        return Text("exited with code {code}: {why}", code=code, why=container.error)
    if was_killed(container):
        return KILLED
    return Text("exited with code {code}", code=code)


def was_killed(container: Container) -> bool:
    """Whether somebody ended it with signal 9, and not the system because memory ran out."""
    return container.exit_code == _KILLED_CODE and not container.oom_killed


def _attempt(tries: int) -> Text | None:
    return Text("Try {number} of {total}.", number=tries, total=_TRIES) if tries else None


def _view(
    service: ServiceModel,
    container: Container | None,
    reason: Text | None,
) -> ServiceView:
    return ServiceView(
        name=service.name,
        container=service.container,
        state=container.status if container else "absent",
        health=container.health if container else "none",
        image=container.image if container else service.image,
        is_job=service.is_job,
        exit_code=container.exit_code if container and container.status in ENDED else None,
        started_at=container.started_at if container else None,
        reason=reason,
        restarts=container.restart_count if container else 0,
        memory_limit=service.memory,
    )


_MIB: Final = 2**20
_UNITS: Final = (256 * _MIB, 32 * _MIB, _MIB)
"""A new limit is rounded down to a multiple of the first of these that fits into it four times."""
_GROWTH: Final = 1.5
"""A limit that was too low is raised by this factor, if there is enough memory."""


def trouble(
    model: ModuleModel,
    judged: Sequence[Judgement],
    containers: Mapping[str, Container],
    failure: StartFailure | None,
    spare: int | None,
) -> Trouble | None:
    """The trouble of a module: why it can't start, or did not, or else of its first service in
    error. *containers*: by name. *failure*: of its last start. *spare*: bytes of the engine's
    memory that no limit of a running service covers; None if unknown."""
    if model.problem:
        return Trouble("blocked", model.problem, remedies=model.remedies)
    if failure and not any(j.state == "error" and j.view.state != "absent" for j in judged):
        error = failure.error
        return Trouble("start", error.brief, since=failure.at, remedies=error.remedies)
    for judgement in judged:
        if judgement.state == "error" and judgement.view.reason:
            container = containers.get(judgement.view.container)
            return _of_service(model, judgement, container, spare)
    return None


def next_step(trouble: Trouble | None) -> Remedy | None:
    """The best next step in *trouble*, if it is more than to start again or to read logs."""
    first = next(iter(trouble.remedies if trouble else ()), None)
    return first if first and first["kind"] not in ("restart", "logs", "retry") else None


def _of_service(
    module: ModuleModel,
    judgement: Judgement,
    container: Container | None,
    spare: int | None,
) -> Trouble:
    name, reason = judgement.view.name, judgement.view.reason or Text("")
    again, show_logs = restart_of(module.name, module.title), logs(f"{module.name}/{name}")
    if container is None:
        return Trouble("absent", reason, name, remedies=(again,))
    since = container.unhealthy_since if container.status == "running" else container.finished_at
    service = next((one for one in module.services if one.name == name), None)
    if container.oom_killed and service:
        own = service.memory if container.status in ALIVE else 0
        available = None if spare is None else spare + (own or 0)
        raised = _raised(service, available)
        if raised:
            again = restart(module.name, Text("Restart as it is"))
        return Trouble("memory", reason, name, since, (*raised, again, show_logs), available)
    # The engine keeps the health of a container that has exited.
    is_unhealthy = container.status in ALIVE and container.health == "unhealthy"
    has_ended = container.status in (*ENDED, "restarting")
    kind: TroubleKind = "killed" if has_ended and was_killed(container) else "exited"
    if is_unhealthy:
        kind = "unhealthy"
    return Trouble(kind, reason, name, since, (again, show_logs))


def _raised(service: ServiceModel, available: int | None) -> list[Remedy]:
    """The offer to raise the limit of *service*, as far as *available* memory allows it."""
    if service.memory is None or service.memory_setting is None or available is None:
        return []
    wanted = min(service.memory * _GROWTH, available)
    unit = next(unit for unit in _UNITS if wanted >= 4 * unit or unit == _UNITS[-1])
    mebibytes = int(wanted // unit * unit) // _MIB
    if mebibytes * _MIB <= service.memory:
        return []
    size = f"{mebibytes} MB" if mebibytes < 1024 else f"{mebibytes / 1024:g} GB"
    value = f"{mebibytes}m" if mebibytes % 1024 else f"{mebibytes // 1024}g"
    return [set_to(Text("Raise to {size} and restart", size=size), service.memory_setting, value)]
