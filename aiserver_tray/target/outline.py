"""What the state keeps of a module: its services, without what only the engine has to know."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.target.names import container_name, local_tag

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.service import Service


def module_model(resolved: ResolvedModule) -> ModuleModel:
    """The outline of *resolved*, for which no secret is needed."""
    module, services = resolved.module, resolved.project.services
    jobs = jobs_of(services.values())
    return ModuleModel(
        module.name,
        module.kind,
        resolved.requires,
        tuple(
            ServiceModel(
                name,
                container_name(module.name, name),
                service.image or local_tag(module.name, name, service.image),
                name in jobs,
                tuple(service.depends_on),
                bool(service.pre_stop),
            )
            for name, service in services.items()
            if service.replicas > 0
        ),
        resolved.open,
    )


def jobs_of(services: "Iterable[Service]") -> frozenset[str]:
    """The services that run once and must exit 0: some other waits for their success."""
    return frozenset(
        name
        for service in services
        for name, how in service.depends_on.items()
        if how.condition == "service_completed_successfully"
    )
