"""Which services of a module are jobs: they run once and must exit 0."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiserver_tray.catalog.modules import Module

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project


def jobs_in(module: Module, project: "Project") -> frozenset[str]:
    """The jobs of *module* with the services in *project*."""
    return jobs_of(
        module,
        (
            (name, how.condition)
            for service in project.services.values()
            for name, how in service.depends_on.items()
        ),
    )


def jobs_of(module: Module, dependencies: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What *module* says to be a job, and those for whose success another service waits.
    *dependencies*: the service that is waited for, and the condition."""
    return module.stated_jobs.union(
        name for name, condition in dependencies if condition == "service_completed_successfully"
    )
