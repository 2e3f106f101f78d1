"""The jobs of a module, which run once and must exit with 0, and other services that may exit."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiserver_tray.catalog.extension import stated

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.modules import Module


def jobs_in(project: "Project") -> frozenset[str]:
    """The jobs among the services of *project*."""
    services = {name: service.extensions for name, service in project.services.items()}
    awaited = (other for s in project.services.values() for other in s.depends_on.items())
    return jobs_of(services, ((name, how.condition) for name, how in awaited))


def jobs_of(
    services: Mapping[str, Mapping[str, Any]], dependencies: Iterable[tuple[str, str]]
) -> frozenset[str]:
    """The jobs among *services* (by name, with their keys or extensions): those that declare it,
    and those whose success another service waits for. *dependencies*: the awaited service, and the
    condition."""
    declared = {name for name, service in services.items() if stated(service).job}
    return frozenset(declared).union(
        name for name, condition in dependencies if condition == "service_completed_successfully"
    )


def may_end(
    module: "Module", services: Mapping[str, tuple[str, object]], jobs: frozenset[str]
) -> frozenset[str]:
    """Those of *services* (by name, with restart policy and whether they serve others) whose exit
    with code 0 is a success. A plain Compose file can't declare jobs. So these are services that
    nothing restarts and that serve nobody, next to others that keep running."""
    ending = {
        name
        for name, (restart, serving) in services.items()
        if restart in ("", "no", "none", "on-failure") and not serving
    }
    has_lasting = bool(services.keys() - ending - jobs)
    return frozenset(ending) if has_lasting and not module.declared else frozenset()
