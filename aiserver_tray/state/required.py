"""What running modules require: their files may have changed since (pure)."""

from collections.abc import Iterable, Mapping, Sequence

from aiserver_tray.model import AT_REST, Container, ModuleModel


def required_now(
    models: Iterable[ModuleModel], containers: Iterable[Container]
) -> dict[str, tuple[str, ...]]:
    """Module -> its requirements, by its model and by the labels of its containers. A running
    module keeps the requirements that it started with, even if it left the catalog, its file is
    broken or its settings have changed. New requirements of its file count too, because they
    recreate no container."""
    required = {model.name: dict.fromkeys(model.requires) for model in models}
    for container in _telling(containers):
        noted = dict.fromkeys(container.requires or ())
        required[container.module] = required.get(container.module, {}) | noted
    return {name: tuple(found) for name, found in required.items()}


def _telling(containers: Iterable[Container]) -> list[Container]:
    """Those of *containers* whose labels count. If some of a module's containers run, exited ones
    (such as an old job) are ignored."""
    found = list(containers)
    alive = {container.module for container in found if container.status not in AT_REST}
    return [c for c in found if c.status not in AT_REST or c.module not in alive]


def closure(requires: Mapping[str, Sequence[str]], names: Iterable[str]) -> frozenset[str]:
    """The known ones of *names*, and all that they require."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in requires and name not in found:
            found.add(name)
            left.extend(requires[name])
    return frozenset(found)
