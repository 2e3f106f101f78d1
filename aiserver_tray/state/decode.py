"""From the JSON that `state.encode` makes back to the state's values. Pure.

The values have texts in the language of the JSON only.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import (
    AiServerError,
    CancelledError,
    JointError,
    RemoteError,
)
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.model import (
    EngineView,
    ModuleView,
    OperationView,
    Port,
    ServiceView,
    Snapshot,
    StepView,
    Trouble,
)

if TYPE_CHECKING:
    from aiserver_tray.state.forms import PortJson


def snapshot_of(json: Mapping[str, Any]) -> Snapshot:
    """The snapshot in a `SnapshotJson`; its operations have no steps."""
    engine, language = json["engine"], json["language"]
    return Snapshot(
        engine=EngineView(
            running=engine["running"],
            version=engine["version"],
            id=engine["id"],
            error=_error(engine["error"]),
            starting=engine["starting"],
            cpus=engine["cpus"],
            memory=engine["memory"],
            down_since=_time(engine["downSince"]),
            start_begun=_time(engine["startBegun"]),
            usual_start=engine["usualStart"],
        ),
        state=json["state"],
        modules=tuple(_module(module, language) for module in json["modules"]),
        operations=tuple(map(operation_of, json["operations"])),
        chosen=tuple(json["chosen"]),
        theme=json["theme"],
    )


def operation_of(json: Mapping[str, Any]) -> OperationView:
    """The operation in an `OperationJson`, with the steps that *json* has."""
    return OperationView(
        id=json["id"],
        kind=json["kind"],
        modules=tuple(json["modules"]),
        status=json["status"],
        steps=tuple(map(_step_of, json.get("steps", ()))),
        seconds_left=json["secondsLeft"],
        error=_error(json["error"]),
        detail=_text(json.get("detail", json["text"])),
        notices=tuple(Text("{message}", message=notice) for notice in json["notices"]),
        is_foreign=json["foreign"],
        is_revival=json["revival"],
        ended_at=datetime.fromisoformat(json["endedAt"]) if json["endedAt"] else None,
    )


def error_of(json: Mapping[str, Any]) -> AiServerError:
    """The error, or all that were joined in it."""
    data = json["data"]
    if json["code"] == CancelledError.code:
        return CancelledError(data.get("kind"), data.get("modules", ()))
    joined = data.get("errors")
    if joined:
        return JointError([error_of(error) for error in joined])
    return RemoteError(json["code"], json["message"], data)


def _error(json: Mapping[str, Any] | None) -> AiServerError | None:
    return error_of(json) if json else None


def _module(json: Mapping[str, Any], language: Language) -> ModuleView:
    return ModuleView(
        name=json["name"],
        kind=json["kind"],
        state=json["state"],
        ready=json["ready"],
        total=json["total"],
        reason=_text(json["reason"]),
        orphan=json["orphan"],
        wanted=json["wanted"],
        used_by=tuple(json["usedBy"]),
        open=json["open"],
        abilities={action: _text(reason) for action, reason in json["abilities"].items()},
        services=tuple(_service_of(service, json["ports"]) for service in json["services"]),
        problem=_text(json["problem"]),
        is_outdated=json["outdated"],
        trouble=_trouble_of(json["trouble"]) if json["trouble"] else None,
        title={language: json["title"]},
        summary={language: json["summary"]},
        icon=json["icon"],
        version=json["version"],
        requires=tuple(json["requires"]),
        since=_time(json["since"]),
        memory_limit=json["memoryLimit"],
    )


def _trouble_of(json: Mapping[str, Any]) -> Trouble:
    return Trouble(
        kind=json["kind"],
        reason=Text("{message}", message=json["reason"]),
        service=json["service"],
        since=_time(json["since"]),
        remedies=tuple(json["remedies"]),
        available=json["available"],
    )


def _service_of(json: Mapping[str, Any], ports: "Iterable[PortJson]") -> ServiceView:
    return ServiceView(
        name=json["name"],
        container=json["container"],
        state=json["state"],
        health=json["health"],
        image=json["image"],
        is_job=json["job"],
        exit_code=json["exitCode"],
        started_at=_time(json["startedAt"]),
        restarts=json["restarts"],
        memory_limit=json["memoryLimit"],
        reason=_text(json["reason"]),
        ports=tuple(
            Port(port["address"], port["host"], port["container"], port["protocol"])
            for port in ports
            if port["service"] == json["name"]
        ),
    )


def _step_of(json: Mapping[str, Any]) -> StepView:
    return StepView(
        kind=json["kind"],
        subject=json["subject"],
        module=json["module"],
        service=json["service"],
        status=json["status"],
        detail=_text(json["detail"]),
        current=json["current"],
        total=json["total"],
        rate=json["rate"],
        began=json["began"],
        seconds=json["seconds"],
        usual=json["usual"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(text: str | None) -> Text | None:
    return None if text is None else Text("{message}", message=text)
