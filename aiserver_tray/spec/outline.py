"""The part of a module that the state keeps: its services, without the engine's details."""

from collections.abc import Mapping
from typing import Any

from aiserver_tray.catalog.compose.keypath import value_at
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.extension import stated
from aiserver_tray.catalog.jobs import jobs_of, may_end
from aiserver_tray.catalog.resolve import Outline
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.spec.config import checked_paths
from aiserver_tray.spec.names import container_name, local_tag
from aiserver_tray.spec.page import page, pages


def module_model(outline: Outline, bind: str) -> ModuleModel:
    """The state's model of the module in *outline*, whose ports are published on *bind*."""
    module = outline.module
    awaited = (d for s in outline.services.values() for d in s.get("depends_on", {}).items())
    jobs = jobs_of(outline.services, ((n, str(how.get("condition"))) for n, how in awaited))
    found = {name: (_restart(s), _serving(s)) for name, s in outline.services.items()}
    active = {name: s for name, s in outline.services.items() if _replicas(s) != "0"}
    ending = may_end(module, found, jobs)
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
                name in ending,
                stated(service).main,
                _memory(service),
                module.memory_setting(name),
                _checked(service),
            )
            for name, service in active.items()
        ),
        page(outline.open, bind),
        title=module.title,
        summary=module.summary,
        icon=module.icon,
        pages=pages(module, {name: _targets(service) for name, service in active.items()}),
    )


def _memory(service: Mapping[str, Any]) -> int | None:
    """Its limit. Nothing has checked it, so an invalid one counts as none."""
    deployed = value_at(service, ("deploy", "resources", "limits", "memory"))
    try:
        return parse_size(deployed or service.get("mem_limit", 0)) or None
    except ValueError:
        return None


def _targets(service: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(port["target"], port["protocol"]) for port in service.get("ports", ())]


def _serving(service: Mapping[str, Any]) -> object:
    check = service.get("healthcheck")
    # One without a test is the image's.
    has_check = check is not None and not (isinstance(check, dict) and check.get("disable"))
    return service.get("ports") or service.get("expose") or has_check


def _checked(service: Mapping[str, Any]) -> tuple[str, ...]:
    check = service.get("healthcheck")
    if not isinstance(check, dict) or check.get("disable"):
        return ()
    return checked_paths(check.get("test") or ())


def _restart(service: Mapping[str, Any]) -> str:
    if isinstance(policy := value_at(service, ("deploy", "restart_policy")), dict):
        return str(policy.get("condition", ""))
    return str(service.get("restart", "")).partition(":")[0]


def _replicas(service: Mapping[str, Any]) -> str:
    deploy = service.get("deploy")
    replicas = deploy.get("replicas", 1) if isinstance(deploy, dict) else 1
    return str(service.get("scale", replicas))
