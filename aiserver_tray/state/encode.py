"""From the state's values to the JSON that clients get (`state.forms`), with texts in one language.
Pure. `state.decode` reads it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

from aiserver_tray.base.compact_json import compact_json
from aiserver_tray.base.errors import (
    AiServerError,
    ErrorJson,
)
from aiserver_tray.base.i18n import Language, rendered, rendered_or_none
from aiserver_tray.model import (
    EngineView,
    ModuleView,
    OperationView,
    ServiceView,
    Snapshot,
    StepView,
    Trouble,
)
from aiserver_tray.state.abilities import ModuleAbilities, stack_abilities
from aiserver_tray.state.order import sorted_by_name, sorted_by_title
from aiserver_tray.state.progress import count, current

if TYPE_CHECKING:
    from aiserver_tray.state.forms import (
        EngineJson,
        ModuleAbilitiesJson,
        ModuleJson,
        OperationJson,
        OperationWithStepsJson,
        PortJson,
        ServiceJson,
        SnapshotJson,
        StackAbilitiesJson,
        StatusJson,
        StepJson,
        TroubleJson,
    )


class SnapshotEncoder:
    """Encodes one snapshot after the other in *language*. Modules and operations that did not
    change, which are most of them, are encoded once."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._modules: dict[str, tuple[ModuleView, bytes]] = {}
        self._operations: dict[str, tuple[OperationView, bytes]] = {}

    def snapshot(self, snapshot: Snapshot) -> bytes:
        """The JSON of a `SnapshotJson`."""
        language = self._language
        by_title = sorted_by_title(snapshot.modules, language)
        self._modules = {m.name: self._known(m) for m in by_title}
        self._operations = {o.id: self._known_operation(o) for o in snapshot.operations}
        parts = (
            ("language", compact_json(language)),
            ("engine", compact_json(_engine(snapshot.engine, language))),
            ("state", compact_json(snapshot.state)),
            ("modules", _joined(self._modules)),
            ("operations", _joined(self._operations)),
            ("abilities", compact_json(_stack_abilities(snapshot, language))),
            ("chosen", compact_json(snapshot.chosen)),
            ("theme", compact_json(snapshot.theme)),
        )
        return b"{" + b",".join(b'"%s":%s' % (n.encode(), part) for n, part in parts) + b"}"

    def _known(self, module: ModuleView) -> tuple[ModuleView, bytes]:
        known = self._modules.get(module.name)
        if known and known[0] == module:
            return known
        return module, compact_json(module_json(module, self._language))

    def _known_operation(self, view: OperationView) -> tuple[OperationView, bytes]:
        known = self._operations.get(view.id)
        if known and known[0] == view:
            return known
        return view, compact_json(operation_json(view, self._language))


def language_of(snapshot: bytes) -> Language:
    """The language of the texts in what `SnapshotEncoder` made, without parsing it."""
    return "zh" if snapshot.startswith(b'{"language":"zh"') else "en"


def _joined(items: Mapping[str, tuple[object, bytes]]) -> bytes:
    return b"[" + b",".join(item for _, item in items.values()) + b"]"


def snapshot_json(snapshot: Snapshot, language: Language) -> "SnapshotJson":
    """*snapshot* with texts in *language*."""
    return {
        "language": language,
        "engine": _engine(snapshot.engine, language),
        "state": snapshot.state,
        "modules": [
            module_json(module, language) for module in sorted_by_title(snapshot.modules, language)
        ],
        "operations": [operation_json(view, language) for view in snapshot.operations],
        "abilities": _stack_abilities(snapshot, language),
        "chosen": list(snapshot.chosen),
        "theme": snapshot.theme,
    }


def status_json(snapshot: Snapshot, language: Language = "en") -> "StatusJson":
    """The output of ``aiserver-tray status --json``."""
    return {
        "engine": {"running": snapshot.engine.running, "version": snapshot.engine.version},
        "state": snapshot.state,
        "modules": [module_json(module, language) for module in sorted_by_name(snapshot.modules)],
    }


def _engine(engine: EngineView, language: Language) -> "EngineJson":
    return {
        "running": engine.running,
        "version": engine.version,
        "id": engine.id,
        "error": _error_json(engine.error, language),
        "starting": engine.starting,
        "cpus": engine.cpus,
        "memory": engine.memory,
        "downSince": _iso(engine.down_since),
        "startBegun": _iso(engine.start_begun),
        "usualStart": engine.usual_start,
    }


def module_json(module: ModuleView, language: Language) -> "ModuleJson":
    """A module, with its services."""
    return {
        "name": module.name,
        "kind": module.kind,
        "title": module.title_in(language),
        "summary": module.summary_in(language),
        "icon": module.icon,
        "version": module.version,
        "requires": list(module.requires),
        "state": module.state,
        "ready": module.ready,
        "total": module.total,
        "reason": rendered_or_none(module.reason, language),
        "problem": rendered_or_none(module.problem, language),
        "trouble": _trouble(module.trouble, language) if module.trouble else None,
        "since": _iso(module.since),
        "memoryLimit": module.memory_limit,
        "outdated": module.is_outdated,
        "orphan": module.orphan,
        "wanted": module.wanted,
        "usedBy": list(module.used_by),
        "open": module.open,
        "abilities": _module_abilities(module.abilities, language),
        "ports": [port for service in module.services for port in _ports(service)],
        "services": [_service(service, language) for service in module.services],
    }


def _module_abilities(abilities: ModuleAbilities, language: Language) -> "ModuleAbilitiesJson":
    rendered = {action: rendered_or_none(why, language) for action, why in abilities.items()}
    return cast("ModuleAbilitiesJson", rendered)


def _trouble(trouble: Trouble, language: Language) -> "TroubleJson":
    return {
        "kind": trouble.kind,
        "reason": trouble.reason.render(language),
        "service": trouble.service,
        "since": _iso(trouble.since),
        "available": trouble.available,
        "remedies": rendered(trouble.remedies, language),
    }


def _stack_abilities(snapshot: Snapshot, language: Language) -> "StackAbilitiesJson":
    abilities = stack_abilities(snapshot)
    rendered = {action: rendered_or_none(why, language) for action, why in abilities.items()}
    return cast("StackAbilitiesJson", rendered)


def _ports(service: ServiceView) -> "list[PortJson]":
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


def _service(service: ServiceView, language: Language) -> "ServiceJson":
    return {
        "name": service.name,
        "container": service.container,
        "state": service.state,
        "health": service.health,
        "image": service.image,
        "job": service.is_job,
        "exitCode": service.exit_code,
        "startedAt": _iso(service.started_at),
        "restarts": service.restarts,
        "memoryLimit": service.memory_limit,
        "reason": rendered_or_none(service.reason, language),
    }


def operation_json(view: OperationView, language: Language) -> "OperationJson":
    """*view* without its steps: how many services are ready, and its current action."""
    done, total = count(view)
    return {
        "id": view.id,
        "kind": view.kind,
        "modules": list(view.modules),
        "services": list(view.services),
        "status": view.status,
        "done": done,
        "total": total,
        "text": rendered_or_none(current(view), language),
        "secondsLeft": view.seconds_left,
        "error": _error_json(view.error, language),
        "notices": [notice.render(language) for notice in view.notices],
        "foreign": view.is_foreign,
        "revival": view.is_revival,
        "endedAt": view.ended_at.isoformat() if view.ended_at else None,
    }


def steps_json(view: OperationView, language: Language) -> "OperationWithStepsJson":
    """*view* with all of its steps."""
    return {
        **operation_json(view, language),
        "detail": rendered_or_none(view.detail, language),
        "steps": [_step(step, view.began, language) for step in view.steps],
    }


def _step(step: StepView, began: float, language: Language) -> "StepJson":
    return {
        "kind": step.kind,
        "subject": step.subject,
        "module": step.module,
        "service": step.service,
        "status": step.status,
        "detail": rendered_or_none(step.detail, language),
        "current": step.current,
        "total": step.total,
        "rate": step.rate,
        "began": None if step.began is None else round(step.began - began, 3),
        "seconds": None if step.seconds is None else round(step.seconds, 3),
        "usual": step.usual,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _error_json(error: AiServerError | None, language: Language) -> ErrorJson | None:
    return error.as_json(language) if error else None
