"""What modules require as they run: their files may say something else by now (pure)."""

from collections.abc import Iterable, Mapping, Sequence

from aiserver_tray.model import AT_REST, Container, ModuleModel


def required_now(
    models: Iterable[ModuleModel], containers: Iterable[Container]
) -> dict[str, tuple[str, ...]]:
    """Module -> what it requires, by its model and by what was noted on its containers. A module
    that left the catalog, whose file is broken, or that was set otherwise and not started since,
    goes on with what it began with. What its file requires counts too, since a new requirement
    alone makes no container anew."""
    required = {model.name: dict.fromkeys(model.requires) for model in models}
    for container in _telling(containers):
        noted = dict.fromkeys(container.requires or ())
        required[container.module] = required.get(container.module, {}) | noted
    return {name: tuple(found) for name, found in required.items()}


def _telling(containers: Iterable[Container]) -> list[Container]:
    """Those of *containers* that tell what their module requires: where some of it runs, what has
    ended (a job, long ago) says nothing of now."""
    found = list(containers)
    alive = {container.module for container in found if container.status not in AT_REST}
    return [c for c in found if c.status not in AT_REST or c.module not in alive]


def closure(requires: Mapping[str, Sequence[str]], names: Iterable[str]) -> frozenset[str]:
    """Those of *names* that are known, and all that they require."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in requires and name not in found:
            found.add(name)
            left.extend(requires[name])
    return frozenset(found)
