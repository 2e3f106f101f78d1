"""The snapshot as ``aiserver-tray status --json`` prints it."""

from collections.abc import Iterable
from typing import Any

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.model import ModuleView, ServiceView, Snapshot


def status_json(snapshot: Snapshot, language: Language = "en") -> dict[str, Any]:
    """JSON; reasons in *language*. Ports are those of running containers."""
    return {
        "engine": {"running": snapshot.engine.running, "version": snapshot.engine.version},
        "state": snapshot.state,
        "modules": [module_json(module, language) for module in by_name(snapshot.modules)],
    }


def by_name(modules: Iterable[ModuleView]) -> list[ModuleView]:
    """*modules* as the command line, which shows no titles, lists them; a host tells them in the
    order of titles. Orphans last."""
    return sorted(modules, key=lambda module: (module.orphan, module.kind, module.name))


def module_json(module: ModuleView, language: Language) -> dict[str, Any]:
    """A module, with its services."""
    return {
        "name": module.name,
        "kind": module.kind,
        "state": module.state,
        "ready": module.ready,
        "total": module.total,
        "reason": rendered_or_none(module.reason, language),
        "orphan": module.orphan,
        "usedBy": list(module.used_by),
        "ports": [port for service in module.services for port in _ports(service)],
        "services": [_service(service, language) for service in module.services],
    }


def _ports(service: ServiceView) -> list[dict[str, Any]]:
    return [
        {
            "service": service.name,
            "address": port.address,
            "host": port.host,
            "container": port.container,
            "protocol": port.protocol,
        }
        for port in service.ports
    ]


def _service(service: ServiceView, language: Language) -> dict[str, Any]:
    return {
        "name": service.name,
        "container": service.container,
        "state": service.state,
        "health": service.health,
        "image": service.image,
        "job": service.is_job,
        "exitCode": service.exit_code,
        "startedAt": service.started_at.isoformat() if service.started_at else None,
        "reason": rendered_or_none(service.reason, language),
    }


def rendered_or_none(reason: Text | None, language: Language) -> str | None:
    """*reason* in *language*, where there is one."""
    return reason.render(language) if reason else None
