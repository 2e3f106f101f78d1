"""From JSON (`state.wire`) back to the values that it was made of. Pure.

Texts come in the client's language and stay so; titles, summaries and what can be computed are
left out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiserver_tray.base.errors import AiServerError, CancelledError, JointError, RemoteError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import Json
from aiserver_tray.model import (
    EngineView,
    ModuleView,
    OperationView,
    Port,
    ServiceView,
    Snapshot,
    StepView,
)


def snapshot_of(json: Mapping[str, Any]) -> Snapshot:
    """The snapshot; its operations have the steps that *json* has."""
    engine = json["engine"]
    return Snapshot(
        seq=json["seq"],
        engine=EngineView(
            running=engine["running"],
            version=engine["version"],
            id=engine["id"],
            error=_error(engine["error"]),
            starting=engine.get("starting", False),  # a host of before does not tell
        ),
        state=json["state"],
        modules=tuple(map(_module, json["modules"])),
        operations=tuple(map(operation_of, json["operations"])),
        chosen=tuple(json["chosen"]),
    )


def operation_of(json: Mapping[str, Any]) -> OperationView:
    """The operation, with the steps that *json* has."""
    return OperationView(
        id=json["id"],
        kind=json["kind"],
        modules=tuple(json["modules"]),
        status=json["status"],
        steps=tuple(map(_step, json.get("steps", ()))),
        seconds_left=json["secondsLeft"],
        error=_error(json["error"]),
        detail=_text(json.get("detail", json["text"])),
        notices=tuple(Text("{message}", message=notice) for notice in json["notices"]),
        is_foreign=json["foreign"],
        is_revival=json.get("revival", False),  # a host of before does not tell
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


def _error(json: Json | None) -> AiServerError | None:
    return error_of(json) if json else None


def _module(json: Json) -> ModuleView:
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
        services=tuple(_service(service, json["ports"]) for service in json["services"]),
        problem=_text(json["problem"]),
    )


def _service(json: Json, ports: list[Json]) -> ServiceView:
    return ServiceView(
        name=json["name"],
        container=json["container"],
        state=json["state"],
        health=json["health"],
        image=json["image"],
        is_job=json["job"],
        exit_code=json["exitCode"],
        started_at=datetime.fromisoformat(json["startedAt"]) if json["startedAt"] else None,
        reason=_text(json["reason"]),
        ports=tuple(
            Port(port["address"], port["host"], port["container"], port["protocol"])
            for port in ports
            if port["service"] == json["name"]
        ),
    )


def _step(json: Json) -> StepView:
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
    )


def _text(text: str | None) -> Text | None:
    return None if text is None else Text("{message}", message=text)
