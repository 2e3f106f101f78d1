"""Deciding whether to keep, start or recreate each service's container (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from typing import Literal

from aiserver_tray.base.strings import own_image
from aiserver_tray.model import AT_REST, Container
from aiserver_tray.spec.model import Dependency, ImageTarget, ModuleTarget, ServiceTarget


@dataclass(frozen=True)
class Observed:
    """The objects on the engine that exist before an operation."""

    containers: Mapping[str, Container] = field(default_factory=dict)
    """Ours, by name."""
    images: Mapping[str, str] = field(default_factory=dict)
    """IDs by name."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """IDs by name."""
    volumes: Mapping[str, datetime | None] = field(default_factory=dict)
    """Times of creation by name."""
    learnt: Mapping[str, float] = field(default_factory=dict)
    """Seconds from start to ready, by ``module/service``."""

    def image_of(self, target: ImageTarget) -> str | None:
        """The name of *target*'s image on the engine."""
        if self.must_be_rebuilt(target):
            return None
        return next((name for name in target.candidates if name in self.images), None)

    def must_be_rebuilt(self, target: ImageTarget) -> bool:
        """Whether the image was only built under its former name, which may be another's."""
        build = target.build
        if build is None or build.is_remote or build.tag in self.images:
            return False
        return build.former_tag in self.images


Decision = Literal["keep", "wait", "start", "recreate", "create"]
"""keep: nothing to do. wait: it runs, and is not ready yet."""
_TO_BE_MADE = datetime.max.replace(tzinfo=UTC)
"""The time of a volume that is not there yet."""


def decide(
    targets: Sequence[ModuleTarget],
    observed: Observed,
    *,
    stopped: frozenset[str] = frozenset(),
    recreated: frozenset[str] = frozenset(),
) -> dict[str, Decision]:
    """The decision for each container of *targets*, by container name. *stopped* are the containers
    that are stopped before. Each existing service of the *recreated* modules is recreated.

    A service that shares the network or process namespace of another service is recreated with it,
    because the engine ties it to that container. The same holds if that container has exited while
    this service kept running.
    """
    decisions: dict[str, Decision] = {}
    for module in targets:
        ordered = in_order(module)
        for target in ordered:
            if not target.is_job:
                decision = _service(target, observed, stopped, decisions, module)
                is_forced = module.name in recreated and decision != "create"
                decisions[target.container] = "recreate" if is_forced else decision
        # A job may depend on a later job, so decide about the later one first.
        for target in reversed(ordered):
            if target.is_job:
                waiting = [s for s in module.services if _depends(s, target.service)]
                due = (decisions[s.container] in ("start", "create", "recreate") for s in waiting)
                # A job without dependents runs only if it never ran.
                is_due = any(due) if waiting else target.container not in observed.containers
                newest = _newest_volume(target, targets, observed)
                decisions[target.container] = _job(target, observed, stopped, newest, is_due=is_due)
    return decisions


def in_order(module: ModuleTarget) -> list[ServiceTarget]:
    """The services of *module*, each after those that it depends on."""
    by_name = {service.service: service for service in module.services}
    graph = {
        n: [d.service for d in s.depends_on if d.service in by_name] for n, s in by_name.items()
    }
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


def _service(
    target: ServiceTarget,
    observed: Observed,
    stopped: frozenset[str],
    decisions: Mapping[str, Decision],
    module: ModuleTarget,
) -> Decision:
    container = observed.containers.get(target.container)
    if container is None:
        return "create"
    if _is_changed(target, container, observed) or _must_follow(target, decisions, module):
        return "recreate"
    if container.name in stopped:
        return "start"
    if _is_cut_off(target, container, observed, decisions, module):
        return "recreate"
    if container.status in ("exited", "paused", "restarting"):
        return "start"
    return "keep" if container.is_ready else "wait"


def _is_changed(target: ServiceTarget, container: Container, observed: Observed) -> bool:
    # A container that never started may lack its files, because its creator may have been killed.
    # One whose removal was interrupted can't start any more.
    if container.status in ("created", "removing", "dead"):
        return True
    if container.config_hash != target.config_hash or _has_lost_network(
        target, container, observed
    ):
        return True
    if (built := own_image(container.image)) and built not in target.image.candidates:
        return True  # the build of another service, or by an earlier version, or no longer wanted
    image = observed.image_of(target.image)
    return image is not None and observed.images[image] != container.image_id


def _has_lost_network(target: ServiceTarget, container: Container, observed: Observed) -> bool:
    """Whether it could not be started: a container keeps to the very network that it was on, and
    not to its name."""
    wanted = {observed.networks.get(name) for name in target.attached}
    return container.status in AT_REST and not wanted <= container.networks


def _must_follow(
    target: ServiceTarget, decisions: Mapping[str, Decision], module: ModuleTarget
) -> bool:
    """Whether it was created for a container of another service that is recreated."""
    return any(
        dependency.restart and decisions.get(other) in ("create", "recreate")
        for dependency, other in _containers_before(target, module)
    )


def _is_cut_off(
    target: ServiceTarget,
    container: Container,
    observed: Observed,
    decisions: Mapping[str, Decision],
    module: ModuleTarget,
) -> bool:
    """Whether it uses the namespace of another service's container that has exited, or that starts
    again."""
    if container.status in AT_REST:
        return False
    for dependency, name in _containers_before(target, module):
        other = observed.containers.get(name)
        if dependency.shares and other:
            began, since = container.started_at, other.started_at
            if decisions.get(name) == "start" or (began and since and since > began):
                return True
    return False


def _containers_before(
    target: ServiceTarget, module: ModuleTarget
) -> Iterator[tuple[Dependency, str]]:
    names = {service.service: service.container for service in module.services}
    for dependency in target.depends_on:
        if dependency.service in names:
            yield dependency, names[dependency.service]


def _depends(service: ServiceTarget, name: str) -> bool:
    return any(dependency.service == name for dependency in service.depends_on)


def _job(
    target: ServiceTarget,
    observed: Observed,
    stopped: frozenset[str],
    newest_volume: datetime | None,
    *,
    is_due: bool,
) -> Decision:
    """Whether a job runs again: when a service that depends on it starts (it is due), when it
    changed, or when a volume that it may have filled is newer than its last success."""
    container = observed.containers.get(target.container)
    if container is None:
        return "create" if is_due else "keep"
    if container.status == "running":
        return "start" if container.name in stopped else "wait"
    if _is_changed(target, container, observed):
        return "recreate"
    succeeded = container.exit_code == 0 and container.finished_at is not None
    is_older = bool(newest_volume and succeeded and newest_volume > container.finished_at)  # type: ignore[operator]
    return "start" if is_due or not succeeded or is_older else "keep"


def _newest_volume(
    job: ServiceTarget, targets: Iterable[ModuleTarget], observed: Observed
) -> datetime | None:
    """When the newest data volume of the modules that *job* requires was created."""
    times = [
        created
        for other in targets
        if other.name in job.requires
        for service in other.services
        for volume in service.volumes
        if (created := observed.volumes.get(volume, _TO_BE_MADE))
    ]
    return max(times, default=None)
