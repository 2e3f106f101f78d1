"""What the state keeps of a module: its services, without what only the engine has to know."""

from collections.abc import Mapping
from typing import Any

from aiserver_tray.catalog.resolve import Outline
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.target.jobs import jobs_of, may_end
from aiserver_tray.target.names import container_name, local_tag


def module_model(outline: Outline) -> ModuleModel:
    """The state's model of the module in *outline*."""
    module = outline.module
    jobs = jobs_of(
        outline.services,
        (
            (name, str(how.get("condition")))
            for service in outline.services.values()
            for name, how in service.get("depends_on", {}).items()
        ),
    )
    return ModuleModel(
        module.name,
        module.kind,
        outline.requires,
        tuple(
            ServiceModel(
                name,
                container_name(module.name, name),
                str(service.get("image") or local_tag(module.name, name, "")),
                name in jobs,
                tuple(n for n in service.get("depends_on", ()) if n in outline.services),
                bool(service.get("pre_stop")),
                may_end(module, _restart(service), _serving(service)),
            )
            for name, service in outline.services.items()
            if _replicas(service) != "0"
        ),
        outline.open,
    )


def _serving(service: Mapping[str, Any]) -> tuple[object, ...]:
    # An empty health check is one: it may be that of the image.
    return service.get("ports"), service.get("expose"), service.get("healthcheck") is not None


def _restart(service: Mapping[str, Any]) -> str:
    deploy = service.get("deploy")
    policy = deploy.get("restart_policy") if isinstance(deploy, dict) else None
    if isinstance(policy, dict):
        return str(policy.get("condition", ""))
    return str(service.get("restart", "")).partition(":")[0]


def _replicas(service: Mapping[str, Any]) -> str:
    deploy = service.get("deploy")
    replicas = deploy.get("replicas", 1) if isinstance(deploy, dict) else 1
    return str(service.get("scale", replicas))
