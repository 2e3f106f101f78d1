"""The settings that limit the memory of services."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiserver_tray.catalog.compose.template import TemplateError, references
from aiserver_tray.catalog.modules import Module


def limited_services(module: Module) -> dict[str, list[str]]:
    """The services of *module* whose memory limit uses a setting, by the setting's bare name."""
    found: dict[str, list[str]] = {}
    for service, tree in module.section("services").items():
        for limit in _limits(tree if isinstance(tree, Mapping) else {}):
            for name in _names(limit):
                found.setdefault(name, []).append(service)
    return found


def _limits(service: Mapping[str, Any]) -> Iterator[str]:
    yield str(service.get("mem_limit"))
    limits: Any = service
    for key in ("deploy", "resources", "limits", "memory"):
        limits = limits.get(key) if isinstance(limits, Mapping) else None
    yield str(limits)


def _names(text: str) -> list[str]:
    try:
        return [reference.name for reference in references(text)]
    except TemplateError:  # the module is reported as broken
        return []
