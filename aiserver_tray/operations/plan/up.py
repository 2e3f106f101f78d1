"""The plan of `up`, `restart`, `pull` and `build`, with the kernel settings to raise (pure)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Literal

from aiserver_tray.base.errors import AiServerError, ImagePullError
from aiserver_tray.model import AT_REST, Container, StepKind
from aiserver_tray.operations.plan.decide import Decision, Observed, decide
from aiserver_tray.operations.plan.down import plan_stop, removal, stop
from aiserver_tray.operations.plan.plan import READY_SECONDS, SECONDS, Plan, Services, Step, step_id
from aiserver_tray.operations.survey import HostPort
from aiserver_tray.spec.kernel import HELPER, KernelSetting
from aiserver_tray.spec.model import Dependency, ImageTarget, ModuleTarget, ServiceTarget

_STARTED = "service_started"

_SHARED = "container:"
"""The engine's prefix for a namespace of another container."""

ImageKind = Literal["pull", "build"]


def plan_up(
    targets: Sequence[ModuleTarget],
    observed: Observed,
    *,
    restarted: frozenset[str] = frozenset(),
    recreated: frozenset[str] = frozenset(),
    services: Services = frozenset(),
) -> Plan:
    """Start all services of *targets*, or only *services*: required modules first, and dependencies
    first within a module. The services of the *restarted* modules are stopped before; containers of
    the *recreated* ones are recreated."""
    models = {target.name: target.model for target in targets}
    containers = observed.containers.values()
    stops = plan_stop(sorted(restarted), models, containers, services=services)
    stopped = frozenset(step.subject for step in stops)
    decisions = decide(targets, observed, stopped=stopped, recreated=recreated)
    plan = Plan.of([*_UpPlanner(targets, observed, decisions).steps(), *stops])
    if not services:
        return plan
    return plan.up_to(services | _following(services, targets, decisions))


def plan_start(
    targets: Sequence[ModuleTarget], observed: Observed, stopped: Collection[str]
) -> Plan:
    """Start the *stopped* containers of *targets* again as they are, in the order of `plan_up`."""
    containers = {name: c for name, c in observed.containers.items() if name in stopped}
    decisions: dict[str, Decision] = {
        service.container: "start" if service.container in containers else "keep"
        for target in targets
        for service in target.services
    }
    planner = _UpPlanner(targets, replace(observed, containers=containers), decisions)
    return Plan.of(step for step in planner.steps() if step.kind in ("start", "wait"))


def _following(
    services: Services, targets: Iterable[ModuleTarget], decisions: Mapping[str, Decision]
) -> Services:
    """The services that are recreated because of *services*, whose namespaces they share."""
    return frozenset(
        (target.name, service.service)
        for target in targets
        for service in target.services
        if decisions[service.container] == "recreate"
        if any(d.restart and (target.name, d.service) in services for d in service.depends_on)
    )


def plan_without_waiting(plan: Plan) -> Plan:
    """*plan* without those waits that no other step needs."""
    needed = {before for step in plan for before in plan.graph[step.id]}
    return Plan.of(step for step in plan if step.kind != "wait" or step.id in needed)


def plan_refresh(targets: Iterable[ModuleTarget]) -> Plan:
    """Pull or build the images that the files want at every `up`. The rest of the plan depends on
    whether they changed."""
    steps = {}
    for module in targets:
        for service in module.services:
            image = service.image
            if image.name and image.pull_policy == "always":
                step = _image_step("pull", service)
                steps[step.id] = step
            elif image.build and image.pull_policy == "build":
                step = _image_step("build", service)
                steps[step.id] = step
    return Plan.of(steps.values())


def never_pulled(targets: Iterable[ModuleTarget], observed: Observed) -> list[AiServerError]:
    """One error for each image that is not there, and of which the file says not to pull it."""
    names = (
        image.name
        for image in images_of(targets)
        if image.name and image.pull_policy == "never"
        if (image.build is None or image.build.is_remote) and observed.image_of(image) is None
    )
    return [ImagePullError.never(name) for name in dict.fromkeys(names)]


def plan_images(targets: Iterable[ModuleTarget], kind: ImageKind) -> Plan:
    """Pull or build every image of *targets* again."""
    return Plan.of(
        {
            step.id: step
            for module in targets
            for service in module.services
            if (service.image.build if kind == "build" else service.image.name)
            for step in [_image_step(kind, service)]
        }.values()
    )


def _image_step(kind: ImageKind, service: ServiceTarget) -> Step:
    image = service.image
    name = image.build.tag if kind == "build" and image.build else image.display_name
    what = (name, service.module, service.service)
    return Step(kind, *what, seconds=SECONDS[kind], target=image)


class _UpPlanner:
    def __init__(
        self, targets: Sequence[ModuleTarget], observed: Observed, decisions: Mapping[str, Decision]
    ) -> None:
        self._targets = {target.name: target for target in targets}
        self._observed = observed
        self._decisions = decisions
        self._orphans = list(self._left_over())

    def steps(self) -> Iterator[Step]:
        for orphan in self._orphans:
            yield from self._remove(orphan)
        made: set[str] = set()
        for module in self._targets.values():
            of_services = (self._service(module, service) for service in module.services)
            for step in chain(self._resources(module), *of_services):
                if step.id not in made:
                    made.add(step.id)
                    yield step

    def _resources(self, module: ModuleTarget) -> Iterator[Step]:
        of = module.name
        for network in module.networks:
            if network.name not in self._observed.networks:
                yield Step("network", network.name, of, seconds=SECONDS["network"], target=network)
        for volume in module.volumes:
            if volume.name not in self._observed.volumes:
                yield Step("volume", volume.name, of, seconds=SECONDS["volume"], target=volume)

    def _left_over(self) -> Iterator[Container]:
        """Containers of services that their module no longer has."""
        for container in self._observed.containers.values():
            module = self._targets.get(container.module)
            if module and all(s.container != container.name for s in module.services):
                yield container

    def _remove(self, container: Container, *needs: str) -> Iterator[Step]:
        if container.status not in AT_REST:
            yield stop(container, needs)
        yield removal(container, needs)

    def _service(self, module: ModuleTarget, service: ServiceTarget) -> Iterator[Step]:
        decision = self._decisions[service.container]
        if decision == "keep":
            return
        container = self._observed.containers.get(service.container)
        if decision in ("create", "recreate"):
            yield from self._creation(module, service, container)
        # A service that runs already may exit because it started before its dependency.
        if decision != "wait" or self._is_early(module, service):
            yield self._start(module, service, container)
        yield self._wait(service, container)

    def _is_early(self, module: ModuleTarget, service: ServiceTarget) -> bool:
        """Whether something has still to become ready that has to be so before *service*."""
        others = [o for d, o in self._dependencies(module, service) if d.condition != _STARTED]
        others += self._required(service)
        return any(self._decisions[other.container] != "keep" for other in others)

    def _creation(
        self, module: ModuleTarget, service: ServiceTarget, container: Container | None
    ) -> Iterator[Step]:
        image_needs = set()
        if (step := self._image(service)) is not None:
            image_needs.add(step.id)
            yield step
        needs = {
            *image_needs,
            *(step_id("network", network.name) for network in module.networks),
            *(step_id("volume", volume) for volume in service.volumes),
            *(step_id("create", name) for name in self._shared(module, service)),
        }
        if container is not None:
            # Only once the image is there: the old one serves until then.
            yield from self._remove(container, *image_needs)
            needs.add(step_id("remove", container.name))
        what = (service.container, module.name, service.service)
        yield Step("create", *what, frozenset(needs), SECONDS["create"], service, container)

    def _image(self, service: ServiceTarget) -> Step | None:
        image = service.image
        if self._observed.image_of(image) is not None:
            return None
        is_built = image.build and (
            not image.name
            or image.pull_policy in ("build", "never")
            or self._observed.must_be_rebuilt(image)
        )
        return _image_step("build" if is_built else "pull", service)

    def _shared(self, module: ModuleTarget, service: ServiceTarget) -> list[str]:
        """Containers whose namespace or volumes the container of *service* shares. They must exist
        when it is created."""
        host = service.body.get("HostConfig", {})
        modes = [str(host.get(key) or "") for key in ("NetworkMode", "IpcMode", "PidMode")]
        shared = {mode.removeprefix(_SHARED) for mode in modes if mode.startswith(_SHARED)}
        shared |= {source.split(":")[0] for source in host.get("VolumesFrom") or ()}
        return [other.container for other in module.services if other.container in shared]

    def _dependencies(
        self, module: ModuleTarget, service: ServiceTarget
    ) -> Iterator[tuple[Dependency, ServiceTarget]]:
        by_name = {other.service: other for other in module.services}
        for dependency in service.depends_on:
            if dependency.service in by_name:
                yield dependency, by_name[dependency.service]

    def _start(
        self, module: ModuleTarget, service: ServiceTarget, container: Container | None
    ) -> Step:
        needs = {
            step_id("create", service.container),
            *self._clearance(service),
            *(step_id("wait", other.container) for other in self._required(service)),
        }
        after: set[str] = set()
        for dependency, other in self._dependencies(module, service):
            before: StepKind = "start" if dependency.condition == _STARTED else "wait"
            (needs if dependency.required else after).add(step_id(before, other.container))
        what = (service.container, module.name, service.service)
        begin = Step("start", *what, frozenset(needs), SECONDS["start"], service, container)
        return replace(begin, after=frozenset(after))

    def _clearance(self, service: ServiceTarget) -> Iterator[str]:
        """Steps that free volumes and ports for *service*: those of services that left the catalog,
        and of services that are stopped."""
        yield step_id("stop", service.container)
        yield from (step_id("remove", orphan.name) for orphan in self._orphans)
        wanted = [HostPort.of(port) for port in service.ports]
        for container in self._observed.containers.values():
            had = map(HostPort.of, container.ports)
            if any(port.collides(other) for other in had for port in wanted):
                yield step_id("stop", container.name)

    def _required(self, service: ServiceTarget) -> list[ServiceTarget]:
        """The services of the modules that *service* requires: all have to be ready first."""
        required = (self._targets[name] for name in service.requires if name in self._targets)
        return [other for target in required for other in target.services]

    def _wait(self, service: ServiceTarget, container: Container | None) -> Step:
        usual = self._observed.learnt.get(service.address, service.ready_after)
        what = (service.container, service.module, service.service)
        needs = frozenset({step_id("start", service.container)})
        seconds = READY_SECONDS if usual is None else usual
        return Step("wait", *what, needs, seconds, service, container, usual=usual)


def images_of(targets: Iterable[ModuleTarget]) -> list[ImageTarget]:
    """Each image of *targets* once."""
    images = (service.image for module in targets for service in module.services)
    return list({tuple(image.candidates): image for image in images}.values())


def with_kernel_settings(plan: Plan, fixes: Sequence[KernelSetting], images: Iterable[str]) -> Plan:
    """*plan* with *fixes* before the containers of the modules that need them. A container that
    already runs and is not ready was started with the low value, so it is restarted. *images*: the
    names of the local images."""
    started = {step.subject for step in plan if step.kind == "start"}
    steps: list[Step] = []
    for step in plan:
        needs = {step_id("kernel_setting", str(m)) for m in fixes if step.module in m.modules}
        if needs and step.kind == "wait" and step.container and step.subject not in started:
            steps += _restarting(step, step.container, needs)
        elif step.kind == "start":
            steps.append(replace(step, needs=step.needs | needs))
        else:
            steps.append(step)
    return Plan.of([*_setting_steps(fixes, images), *steps])


def plan_helper() -> Plan:
    """Pull the image of the containers that read and set kernel settings."""
    return Plan.of([_pull_helper()])


def _pull_helper() -> Step:
    """The image belongs to no module."""
    return Step("pull", HELPER.display_name, "", seconds=SECONDS["pull"], target=HELPER)


def _setting_steps(fixes: Sequence[KernelSetting], images: Iterable[str]) -> Iterator[Step]:
    pull = _pull_helper()
    if HELPER.display_name not in images:
        yield pull
    for fix in fixes:
        needs, seconds = frozenset({pull.id}), SECONDS["kernel_setting"]
        yield Step("kernel_setting", str(fix), min(fix.modules), None, needs, seconds, fix)


def _restarting(wait: Step, container: Container, needs: Iterable[str]) -> Iterator[Step]:
    """Restart the service that *wait* waits for."""
    end = stop(container)
    begin = replace(wait, kind="start", needs=frozenset({end.id, *needs}), seconds=SECONDS["start"])
    yield from (end, begin, replace(wait, needs=wait.needs | {begin.id}))
