"""Does the steps of a plan on the engine."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Literal

from aiserver_tray.base.errors import (
    AiServerError,
    CatalogError,
    EngineRequestError,
    ExitedError,
    HealthTimeoutError,
    JobFailedError,
    ObjectNotFoundError,
    PostStartTimeoutError,
    Problem,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.containers import Containers
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.proxies import with_proxies
from aiserver_tray.engine.values import PullProgress
from aiserver_tray.model import Container
from aiserver_tray.operations.kernel import raise_setting
from aiserver_tray.operations.plan.plan import Step
from aiserver_tray.operations.preflight.preflight import port_conflict
from aiserver_tray.operations.run.objects import (
    OperationImages,
    make_network,
    make_volume,
    on_networks,
    recreate_config_volumes,
    remove_network,
    remove_volume,
)
from aiserver_tray.operations.run.readiness import Wait
from aiserver_tray.spec.host_config import with_known_log_driver
from aiserver_tray.spec.kernel import KernelSetting
from aiserver_tray.spec.labels import INSTALLATION
from aiserver_tray.spec.model import (
    Body,
    ImageTarget,
    ModuleTarget,
    NetworkTarget,
    ServiceTarget,
    VolumeTarget,
)
from aiserver_tray.spec.mounts import with_image_volumes
from aiserver_tray.spec.names import SHARED_NETWORK
from aiserver_tray.state.judge import KILLED, was_killed

_LAST_LINES = 10
"""Lines of a log, or of the output of a command, in an error."""
_NOT_STARTED = (126, 127)
"""Exit codes of the engine for a command that can't run or does not exist."""
_ONE_NETWORK_BELOW = (1, 44)
"""The API version from which a container can be created on several networks at once
(https://docs.docker.com/reference/api/engine/version-history/#v144-api-changes)."""


class EngineExecutor:
    """Runs steps on the engine. *images* are the names of the local images; ``progress`` receives
    the progress of pulls; ``before_removal`` the ID of a container that is removed next."""

    def __init__(
        self,
        engine: Engine,
        modules: Mapping[str, ModuleTarget],
        images: Iterable[str],
        mirrors: tuple[str, ...],
        cancelled: Cancellation,
    ) -> None:
        self.cancelled = cancelled
        self.progress: Callable[[Step, PullProgress], None] = lambda _step, _progress: None
        self.before_removal: Callable[[str], object] = lambda _container: None
        self._engine = engine
        self._modules = modules
        self._images = OperationImages(engine, images, mirrors, cancelled)
        self._created: set[str] = set()
        self._ended_before: dict[str, datetime | None] = {}

    @property
    def new_images(self) -> Sequence[str]:
        """Ids of the images that were pulled or built, in this order."""
        return self._images.new

    def execute(self, step: Step) -> Container | None:  # noqa: C901 - one case per kind
        """Run *step*. Returns the container that was started or stopped, in its new state.

        Raises:
            AiServerError: it can't be done.
        """
        match step.kind, step.target:
            case "pull", ImageTarget() as image:
                self._images.pull(image, lambda progress: self.progress(step, progress))
            case "build", ImageTarget() as image:
                self._images.build(image)
            case "network", NetworkTarget() as network:
                make_network(self._engine, network)
            case "volume", VolumeTarget() as volume:
                self._engine.volumes.create(volume.name, volume.body)
            case "create", ServiceTarget() as service:
                self._create(service)
            case "start", ServiceTarget() as service:
                return self._start(service)
            case "kernel_setting", KernelSetting() as setting:
                raise_setting(self._engine, setting, self.cancelled)
            case "stop", _:
                return self._stop(step)
            case "remove", _:
                self._remove(step)
            case "remove_network", _:
                remove_network(self._engine, step.subject)
            case "remove_volume", _:
                remove_volume(self._engine, step.subject, step.module)
            case _:
                raise TypeError(step.id)
        return None

    # -- containers ----------------------------------------------------------------------------

    def _create(self, service: ServiceTarget) -> None:
        image = self._images.get(service.image)
        module = self._modules[service.module]
        shared = self._shared_folders(service)
        body, volumes = with_image_volumes(service, image.volumes, shared, module.keep)
        for volume in volumes:
            make_volume(self._engine, module, volume)
        recreate_config_volumes(self._engine, module, service)
        # Not part of the target and its hash: proxies of Docker's configuration belong to this
        # machine, and may contain passwords; log drivers belong to the engine.
        inside = neighbours(service, self._modules)
        proxies = self._engine.proxies if service.proxies is None else service.proxies
        env = with_proxies(body["Env"], proxies, inside)
        host = with_known_log_driver(body["HostConfig"], self._engine.info().log_drivers)
        body |= {"Image": image.reference, "Env": env, "HostConfig": host}
        later: Mapping[str, Body] = {}
        try:
            if self._engine.info().api_version < _ONE_NETWORK_BELOW:
                later = service.networks
                body |= _without_networks(body, later)
            container = self._engine.containers.create(service.container, body)
            self._created.add(service.container)
            for network, endpoint in later.items():
                connect = partial(self._engine.containers.connect, container, network, endpoint)
                self._on_networks(service, connect)
            self._engine.containers.put_files(container, service.files)
        except EngineRequestError as error:
            raise self._refused(service, error) from error

    def _shared_folders(self, service: ServiceTarget) -> list[str]:
        """The mount points in the containers that *service* takes volumes from."""
        sources = service.body["HostConfig"].get("VolumesFrom") or ()
        mounted = (self._engine.containers.mounted(source.split(":")[0]) for source in sources)
        return [folder for folders in mounted for folder in folders]

    def _on_networks(self, service: ServiceTarget, act: Callable[[], None]) -> None:
        on_networks(self._engine, self._modules[service.module].networks, act)

    def _refused(self, service: ServiceTarget, error: EngineRequestError) -> AiServerError:
        """An error for a module's file that the engine rejects."""
        if error.status != 400:
            return error
        place = self._modules[service.module].module.place("services", service.service)
        text = Text("the Docker engine rejects this service: {why}", why=error.explanation)
        return CatalogError([Problem(place, text)])

    def _start(self, service: ServiceTarget) -> Container:
        """Start it, unless it is already running."""
        containers = self._engine.containers
        is_new = service.container in self._created
        found = None if is_new else containers.inspect(service.container)
        if found and found.status == "running":
            return found
        try:
            self._set_running(service, found)
        except EngineRequestError as error:
            raise self._not_started(service, error) from error
        try:
            run_post_start(containers, service, self.cancelled)
        except AiServerError:
            # Otherwise, the next `up` would find it running and skip these commands.
            with suppress(AiServerError):
                containers.stop(service.container)
            raise
        return containers.inspect(service.container)

    def _set_running(self, service: ServiceTarget, found: Container | None) -> None:
        """*found* is its container, which does not run; None: it was created just now."""
        containers = self._engine.containers
        if found and found.status == "paused":
            containers.unpause(found.id)
            return
        if found:
            if found.status == "restarting":
                # The engine would restart it after a pause that gets longer each time.
                containers.stop(found.id)
            self._ended_before[found.id] = found.finished_at
        self._on_networks(service, partial(containers.start, service.container))

    def _not_started(self, service: ServiceTarget, error: EngineRequestError) -> AiServerError:
        found = self._engine.containers.inspect(service.container)
        if found.exit_code in _NOT_STARTED:
            return ExitedError(service.address, found.exit_code, found.error, ())
        # Engines word this error differently, so check whether a port is the cause.
        alone = replace(self._modules[service.module], services=(service,))
        return port_conflict(alone, service.body["Labels"][INSTALLATION], self._engine) or error

    def _stop(self, step: Step) -> Container | None:
        """Its container is stopped. One that is gone meanwhile is no error."""
        container, containers = _container_of(step), self._engine.containers
        with suppress(ObjectNotFoundError):
            if container.status == "paused":
                # A paused container can't receive the signal, and would be killed after its
                # timeout.
                containers.unpause(container.id)
            self._prepare_stop(container)
            containers.stop(container.id)
            return containers.inspect(container.id)
        return None

    def _remove(self, step: Step) -> None:
        container = _container_of(step).id
        self.before_removal(container)
        with suppress(ObjectNotFoundError):
            self._engine.containers.remove(container)

    def _prepare_stop(self, container: Container) -> None:
        module = self._modules.get(container.module)
        for service in module.services if module else ():
            if service.container == container.name and container.status == "running":
                run_pre_stop(self._engine.containers, service, self.cancelled)

    # -- failures ------------------------------------------------------------------------------

    def explain(self, wait: Wait, verdict: Literal["failed", "gone", "late"]) -> AiServerError:
        """Why the service did not become ready, with the last lines of its log."""
        service, container = wait.target.address, wait.container
        lines: list[str] = []
        since = self._begin_of_log(container)
        with suppress(AiServerError):
            lines = self._engine.containers.tail(container.id, _LAST_LINES, since)
            if verdict == "late":
                # A failing check changes no state at first, so the watcher did not report it.
                container = self._engine.containers.inspect(container.id)
        if verdict == "gone" or (verdict == "failed" and self._is_removed(container)):
            return ExitedError(service, None, Text("its container was removed"), lines)
        if verdict == "late":
            seconds = wait.deadline - wait.begun
            return HealthTimeoutError(service, seconds, container.last_check, lines)
        if wait.target.is_job:
            return JobFailedError(service, container.exit_code, lines)
        if container.status == "running":
            code = self._last_code(container)
            return ExitedError(service, code, Text("it is running again"), lines)
        why = Text("out of memory") if container.oom_killed else container.error
        if was_killed(container) and not why:
            why = KILLED
        return ExitedError(service, container.exit_code, why, lines)

    def _is_removed(self, container: Container) -> bool:
        """Whether *container* was killed because it is removed: the engine first kills what it
        removes, and that may be seen before the removal."""
        if not was_killed(container):
            return False
        try:
            # From before the kill on, the engine says of it that it is being removed.
            return self._engine.containers.inspect(container.id).status in ("removing", "dead")
        except ObjectNotFoundError:
            return True
        except AiServerError:
            return False

    def _begin_of_log(self, container: Container) -> datetime | None:
        """A time between the log lines of earlier starts and those of this one. The engine may note
        an end before the last line, and a start after the first one: the middle is safe."""
        ended, started = self._ended_before.get(container.id), container.started_at
        if ended and started and started > ended:
            return ended + (started - ended) / 2
        return ended

    def _last_code(self, container: Container) -> int | None:
        """The exit code of a container that its restart policy has started again since."""
        with suppress(AiServerError):
            if container.started_at:
                containers = self._engine.containers
                return containers.code_of_last_end(container.id, container.started_at)
        return None


def _without_networks(body: Body, later: Collection[str]) -> Body:
    """The networks of *body* without those that are connected *later*: an old engine rejects more
    than one."""
    endpoints = body["NetworkingConfig"]["EndpointsConfig"]
    first = {name: endpoint for name, endpoint in endpoints.items() if name not in later}
    return {"NetworkingConfig": {"EndpointsConfig": first}}


def _container_of(step: Step) -> Container:
    if step.container is None:
        raise TypeError(step.id)
    return step.container


def run_post_start(containers: Containers, service: ServiceTarget, cancelled: Cancellation) -> None:
    """Run what *service* has for after its start, in the time in which it has to be ready.

    Raises:
        ExitedError: a command failed.
        PostStartTimeoutError: it takes too long.
        CancelledError: *cancelled* was set.
    """
    deadline = time.monotonic() + service.ready_within
    for body in service.post_start:
        left = deadline - time.monotonic()
        code, lines = containers.run(service.container, body, seconds=left, cancelled=cancelled)
        last = lines[-_LAST_LINES:]
        if code is None:
            # Not quoted: a secret in it has still to be found and hidden.
            command = " ".join(body["Cmd"])
            raise PostStartTimeoutError(service.address, service.ready_within, command, last)
        if code:
            why = Text("the exit code of a post_start command")
            raise ExitedError(service.address, code, why, last)


def run_pre_stop(containers: Containers, service: ServiceTarget, cancelled: Cancellation) -> None:
    """Run the pre-stop commands of *service*, within its own stop timeout. A failing or slow
    command does not block the stop, so that broken services can be stopped too.

    Raises:
        CancelledError: *cancelled* was set.
    """
    deadline = time.monotonic() + service.stop_grace
    for body in service.pre_stop:
        if (left := deadline - time.monotonic()) <= 0:
            return
        with suppress(EngineRequestError):
            containers.run(service.container, body, seconds=left, cancelled=cancelled)


def neighbours(service: ServiceTarget, modules: Mapping[str, ModuleTarget]) -> set[str]:
    """The host names that *service* may contact: services of its module, services of the required
    *modules* on the shared network, and hosts that its file names."""
    module = modules[service.module]
    required = (modules[name] for name in module.requires if name in modules)
    hosts = service.body["HostConfig"].get("ExtraHosts") or ()
    return {
        *chain.from_iterable(_names(endpoint) for _, endpoint in _endpoints(module)),
        *chain.from_iterable(
            _names(endpoint)
            for other in required
            for network, endpoint in _endpoints(other)
            if network == SHARED_NETWORK
        ),
        *(host.partition(":")[0] for host in hosts),
    }


def _endpoints(module: ModuleTarget) -> Iterator[tuple[str, Body]]:
    for service in module.services:
        yield from service.body["NetworkingConfig"]["EndpointsConfig"].items()


def _names(endpoint: Body) -> list[str]:
    return list(endpoint.get("Aliases") or ())
