"""The form in which clients get the effects of changed settings."""

from collections.abc import Mapping
from typing import TypedDict

from aiserver_tray.base.i18n import Language
from aiserver_tray.operations.preview import EffectKind, Effects, ModuleEffects, ServiceEffect


class ServiceEffectJson(TypedDict):
    """The effect on a service."""

    service: str
    kind: EffectKind
    job: bool
    """it runs once"""
    reasons: list[str]
    """why it is recreated"""
    seconds: float | None
    """until it was ready in earlier starts; `null` if unknown"""


class ModuleEffectsJson(TypedDict):
    """The effects on a module."""

    name: str
    title: str
    interrupted: bool
    """services that run now are recreated or removed"""
    seconds: float | None
    """estimated time until all of it is ready again, without pulls; `null` if unknown"""
    kept: int
    """the number of services that keep running"""
    page: str | None
    """the new address of its page, if that changes"""
    services: list[ServiceEffectJson]


class EffectsJson(TypedDict):
    """The effects of changed settings. Without modules, nothing that runs now is affected."""

    modules: list[ModuleEffectsJson]
    pulls: list[str]
    """the images that are pulled or built first"""
    notices: list[str]
    """notes for the user that are no failures"""


def effects_json(effects: Effects, titles: Mapping[str, str], language: Language) -> EffectsJson:
    """*effects* with texts in *language*; *titles* are those of the modules, by name."""
    return {
        "modules": [_module(module, titles, language) for module in effects.modules],
        "pulls": [*effects.pulls],
        "notices": [notice.render(language) for notice in effects.notices],
    }


def _module(
    module: ModuleEffects, titles: Mapping[str, str], language: Language
) -> ModuleEffectsJson:
    return {
        "name": module.module,
        "title": titles.get(module.module, module.module),
        "interrupted": module.is_interrupted,
        "seconds": module.seconds,
        "kept": module.kept,
        "page": module.page,
        "services": [_service(service, language) for service in module.services],
    }


def _service(service: ServiceEffect, language: Language) -> ServiceEffectJson:
    return {
        "service": service.service,
        "kind": service.kind,
        "job": service.is_job,
        "reasons": [reason.render(language) for reason in service.reasons],
        "seconds": service.seconds,
    }
