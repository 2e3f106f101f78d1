"""Snapshots and operations as clients get them (`contract`). Pure."""

from collections.abc import Mapping
from typing import Any

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Language
from aiserver_tray.model import ModuleView, OperationView, Snapshot, StepView
from aiserver_tray.state.progress import count, current
from aiserver_tray.state.status import module_json, rendered_or_none

Json = dict[str, Any]

Titles = Mapping[str, tuple[str, str]]
"""Name of a module -> its title and its summary."""


def snapshot_json(snapshot: Snapshot, language: Language, titles: Titles) -> Json:
    """*snapshot* with texts in *language*: what ``status --json`` prints, and more."""
    engine = snapshot.engine
    return {
        "seq": snapshot.seq,
        "language": language,
        "engine": {
            "running": engine.running,
            "version": engine.version,
            "id": engine.id,
            "error": error_json(engine.error, language),
            "starting": engine.starting,
        },
        "state": snapshot.state,
        "modules": [_module(module, language, titles) for module in snapshot.modules],
        "operations": [operation_json(view, language) for view in snapshot.operations],
        "chosen": list(snapshot.chosen),
    }


def _module(module: ModuleView, language: Language, titles: Titles) -> Json:
    title, summary = titles.get(module.name, (module.name, ""))
    return {
        **module_json(module, language),
        "title": title,
        "summary": summary,
        "wanted": module.wanted,
        "open": module.open,
        "problem": rendered_or_none(module.problem, language),
    }


def operation_json(view: OperationView, language: Language) -> Json:
    """*view* without its steps: how many services are ready, and what it does now."""
    done, total = count(view)
    return {
        "id": view.id,
        "kind": view.kind,
        "modules": list(view.modules),
        "status": view.status,
        "done": done,
        "total": total,
        "text": rendered_or_none(current(view), language),
        "secondsLeft": view.seconds_left,
        "error": error_json(view.error, language),
        "notices": [notice.render(language) for notice in view.notices],
        "foreign": view.is_foreign,
        "revival": view.is_revival,
    }


def steps_json(view: OperationView, language: Language) -> Json:
    """*view* with all of its steps."""
    steps = [_step(step, language) for step in view.steps]
    detail = rendered_or_none(view.detail, language)
    return {**operation_json(view, language), "detail": detail, "steps": steps}


def _step(step: StepView, language: Language) -> Json:
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
    }


def error_json(error: AiServerError | None, language: Language) -> Json | None:
    """*error* as a client shows it."""
    return error.as_json(language) if error else None
