"""The plan of `stop` and `down`, and the modules that they affect (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from aiserver_tray.base.errors import AiServerError, InUseError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.model import AT_REST, Container, ModuleModel
from aiserver_tray.operations.plan.plan import SECONDS, Plan, Services, Step, step_id
from aiserver_tray.state.inputs import required_now

Models = Mapping[str, ModuleModel]
"""By name."""


def as_they_run(models: Models, containers: Iterable[Container]) -> dict[str, ModuleModel]:
    """*models* with the requirements of the running containers. Modules that left the catalog and
    still have *containers* are added."""
    return {
        name: replace(models.get(name) or ModuleModel(name, "feature"), requires=required)
        for name, required in required_now(models.values(), containers).items()
    }


def users_of(module: str, models: Models) -> set[str]:
    """The modules of *models* that require *module*, directly or through others."""
    users: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        found = {m.name for m in models.values() if name in m.requires} - users
        users |= found
        todo.extend(found)
    return users


def running_modules(containers: Iterable[Container]) -> set[str]:
    """The modules with a container that is not at rest."""
    return {c.module for c in containers if c.status not in AT_REST}


def in_use(modules: Sequence[str], models: Models, running: Iterable[str]) -> list[AiServerError]:
    """Errors for stopping *modules*: running modules outside of them that require them."""
    return [
        InUseError(name, users)
        for name in modules
        if (users := sorted((users_of(name, models) & set(running)) - set(modules)))
    ]


def with_users(modules: Sequence[str], models: Models, running: Iterable[str]) -> list[str]:
    """*modules* and the running ones that need them."""
    users = {user for name in modules for user in users_of(name, models)} & set(running)
    return [*modules, *sorted(users - set(modules))]


def unused_basics(
    modules: Sequence[str], models: Models, running: Iterable[str], desired: Iterable[str]
) -> list[str]:
    """The running basic modules that *modules* need and no other running module does. Modules that
    the user asked for are left out."""
    stopping = set(modules)
    found: list[str] = []
    for name in _required(modules, models):
        model = models[name]
        users = users_of(name, models) & (set(running) | set(desired))
        is_idle = model.kind == "basic" and name in running and name not in desired
        if is_idle and users <= stopping:
            stopping.add(name)
            found.append(name)
    return found


def _required(modules: Sequence[str], models: Models) -> list[str]:
    """All modules that *modules* require, directly or not, users before what they use."""
    required = {n for n in models if users_of(n, models) & set(modules) and n not in modules}
    return sorted(required, key=lambda name: len(users_of(name, models) & required))


def plan_stop(
    modules: Sequence[str],
    models: Models,
    containers: Iterable[Container],
    *,
    services: Services = frozenset(),
) -> Plan:
    """Stop the containers of *modules*, users before what they use. Of the modules of *services*,
    only these. A module without a model, or with a broken file, has no order inside."""
    limited = {module for module, _ in services}
    concerned = [
        c
        for c in containers
        if c.module in modules and c.status not in AT_REST
        if c.module not in limited or (c.module, c.service) in services
    ]
    return Plan.of(_stops(concerned, models))


def plan_down(
    modules: Sequence[str],
    models: Models,
    containers: Iterable[Container],
    networks: Mapping[str, str],
    volumes: Mapping[str, str],
) -> Plan:
    """Stop the containers of *modules* in the order of `plan_stop` and remove each once it has
    stopped, then *networks* and *volumes* (name -> module)."""
    concerned = [c for c in containers if c.module in modules]
    stops = _stops([c for c in concerned if c.status not in AT_REST], models)
    removals = [removal(container) for container in concerned]
    gone = frozenset(step.id for step in removals)
    return Plan.of(
        [
            *stops,
            *removals,
            *(Step("remove_network", n, m, needs=gone, seconds=0.1) for n, m in networks.items()),
            *(Step("remove_volume", n, m, needs=gone, seconds=0.1) for n, m in volumes.items()),
        ]
    )


def held(
    networks: Iterable[str], containers: Iterable[ContainerSummary]
) -> dict[str, tuple[str, ...]]:
    """Those of *networks* that the engine would not remove, because some of *containers* use them
    and are not at rest: the names of these containers."""
    active = [c for c in containers if c.status not in AT_REST]
    users = {name: tuple(c.name for c in active if name in c.networks) for name in networks}
    return {name: found for name, found in users.items() if found}


def network_stays(name: str, module: str, users: Iterable[str]) -> Text:
    """The notice that a network is `held`. Without *module*, it is the network that all modules
    share."""
    return Text(
        "The network {network} was not removed. It is in use by: {containers}. To remove it, "
        "stop these containers first. Then run: aiserver-tray {command}",
        network=name,
        containers=Listed(users),
        command=f"down {module}".strip(),
    )


def stop(container: Container, needs: Iterable[str] = ()) -> Step:
    """The step that stops *container*."""
    return _step("stop", container, needs)


def removal(container: Container, needs: Iterable[str] = ()) -> Step:
    """The step that removes *container* once it has stopped."""
    return _step("remove", container, [step_id("stop", container.name), *needs])


def _step(kind: Literal["stop", "remove"], container: Container, needs: Iterable[str]) -> Step:
    name, module, service = container.name, container.module, container.service
    return Step(kind, name, module, service, frozenset(needs), SECONDS[kind], container=container)


def _stops(containers: Sequence[Container], models: Models) -> list[Step]:
    users = _users(containers, models)
    try:
        TopologicalSorter(users).prepare()
    except CycleError:
        # A changed file may contain a dependency cycle; its containers must stop all the same.
        users = {name: set() for name in users}
    return [stop(c, [step_id("stop", name) for name in users[c.name]]) for c in containers]


def _users(containers: Sequence[Container], models: Models) -> dict[str, set[str]]:
    """Container -> those of *containers* that need its service or its module."""
    by_module: dict[str, dict[str, Container]] = {}
    for container in containers:
        by_module.setdefault(container.module, {})[container.service] = container
    users: dict[str, set[str]] = {container.name: set() for container in containers}
    for module, here in by_module.items():
        model = models.get(module)
        for service in model.services if model else ():
            for name in service.depends_on:
                if service.name in here and name in here:
                    users[here[name].name].add(here[service.name].name)
        for required in model.requires if model else ():
            for container in by_module.get(required, {}).values():
                users[container.name] |= {user.name for user in here.values()}
    return users
