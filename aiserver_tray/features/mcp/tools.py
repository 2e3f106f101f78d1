"""The tools for assistants: each asks channels that every client has, and gives what matters as
JSON. What changes something only asks a person for it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aiserver_tray.base.errors import AiServerError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.protocol.message import AnyClient, Json

_MAX_LINES: Final = 200
_ROW: Final = re.compile(r"^\| `(E_\w+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
_LEVELS: Final = ("debug", "info", "warn", "error")

_TEXT: Final = {"type": "string"}
_MODULE: Final = {"type": "string", "description": "name of a module, as in status"}


@dataclass(frozen=True)
class ToolSpec:
    """A tool. ``changes``: it asks a person to allow a change."""

    name: str
    description: str
    run: Callable[[AnyClient, str, Json], Any]
    """With a client, the name of the program that asks, and its arguments."""
    properties: Mapping[str, Json]
    required: tuple[str, ...] = ()
    changes: bool = False


def call(tool: ToolSpec, client: AnyClient, program: str, arguments: Json) -> Any:  # noqa: ANN401
    """What *tool* gives, as JSON. An error is an answer, too: with its documentation."""
    try:
        for name, value in arguments.items():
            if name not in tool.properties:
                raise RequestError(Text("unknown argument: {name}", name=name), [name])
            kind = {"string": str, "integer": int}[str(tool.properties[name]["type"])]
            if not isinstance(value, kind):
                raise RequestError(Text("expected a {kind}", kind=kind.__name__), [name])
        if missing := [name for name in tool.required if name not in arguments]:
            raise RequestError(Text("missing argument: {name}", name=missing[0]), missing)
        return tool.run(client, program, arguments)
    except AiServerError as error:
        return {"failed": documented({**error.as_json("en")})}


# -- our documentation of errors ------------------------------------------------------------------


@cache
def documentation() -> Mapping[str, Json]:
    """What ``docs/errors.md`` says about each code."""
    packaged = Path(str(files("aiserver_tray"))) / "_data/errors.md"
    source = Path(__file__).parents[3] / "docs/errors.md"
    text = (packaged if packaged.is_file() else source).read_text(encoding="utf-8")
    return {code: {"meaning": meaning, "fix": fix} for code, meaning, fix in _ROW.findall(text)}


def documented(error: Json) -> Json:
    """An *error* with our documentation of it, without its further data."""
    code = str(error["code"])
    return {"code": code, "message": error["message"], **documentation().get(code, {})}


# -- tools that read ------------------------------------------------------------------------------


def _status(client: AnyClient, _: str, __: Json) -> Json:
    snapshot = client.request("ai/snapshot/get")
    engine = snapshot["engine"]
    models = client.request("ai/models/list", {"look": False})
    return {
        "state": snapshot["state"],
        "engine": {"running": engine["running"], "version": engine["version"]}
        | ({"failed": documented(engine["error"])} if engine["error"] else {}),
        "modules": [_module(module) for module in snapshot["modules"]],
        "alerts": _alerts(client),
        "modelServers": [
            {"name": one["name"], "title": one["title"], "problem": one["problem"]}
            for one in models["servers"]
        ],
        "lastModelCheck": models["checked"],
    }


def _module(module: Json) -> Json:
    kept = ("name", "title", "state", "reason", "version", "open", "usedBy")
    services = {s["name"]: s["reason"] for s in module["services"] if s["reason"]}
    found = {name: module[name] for name in kept if module[name]}
    return found | ({"services": services} if services else {})


def _alerts(client: AnyClient) -> list[Json]:
    found = client.request("ai/rules/list")["alerts"]
    kept = ("title", "text", "module", "service", "begun")
    return [{n: one[n] for n in kept} for one in found if one["ended"] is None]


def _errors(client: AnyClient, _: str, arguments: Json) -> Json:
    if code := arguments.get("code"):
        if found := documentation().get(str(code)):
            return {"code": code, **found}
        raise RequestError(Text("there is no error code {code}", code=str(code)), ["code"])
    snapshot = client.request("ai/snapshot/get")
    failed = [o for o in snapshot["operations"] if o["error"]]
    troubles = [
        {"module": m["name"], "kind": t["kind"], "service": t["service"], "reason": t["reason"]}
        for m in snapshot["modules"]
        if (t := m["trouble"])
    ]
    engine = snapshot["engine"]["error"]
    return {
        "operations": [
            {"kind": o["kind"], "modules": o["modules"], "endedAt": o["endedAt"]} | {"failed": each}
            for o in failed
            for each in _each(o["error"])
        ],
        "troubles": troubles,
        "engine": documented(engine) if engine else None,
    }


def _each(error: Json) -> list[Json]:
    """An error of several, each with its documentation."""
    return [documented(one) for one in error["data"].get("errors") or [error]]


def _doctor(client: AnyClient, _: str, __: Json) -> Json:
    checks = client.request("ai/doctor/run")["checks"]
    return {"checks": [{n: one[n] for n in ("name", "grade", "message")} for one in checks]}


def _logs(client: AnyClient, _: str, arguments: Json) -> Json:
    level = str(arguments.get("level", "debug"))
    if level not in _LEVELS:
        raise RequestError(Text("expected one of: {names}", names=", ".join(_LEVELS)), ["level"])
    levels = _LEVELS[_LEVELS.index(level) :]
    wanted: Json = {"text": arguments.get("text", "")}
    wanted |= {"modules": [arguments["module"]]} if "module" in arguments else {}
    wanted |= {"levels": levels} if "level" in arguments else {}
    limit = min(max(int(arguments.get("limit", 50)), 1), _MAX_LINES)
    found = client.request("ai/logs/lines", {"filter": wanted, "limit": limit})
    kept = ("timestamp", "module", "service", "level", "text")
    return {"newestFirst": [{n: line[n] for n in kept} for line in found["lines"]]}


def _statistics(client: AnyClient, _: str, __: Json) -> Json:
    return client.request("ai/stats/newest")


# -- tools that ask for a change ------------------------------------------------------------------


def _proposal(kind: str, subject: str) -> Callable[[AnyClient, str, Json], Any]:
    def propose(client: AnyClient, program: str, arguments: Json) -> Json:
        asked = {"client": program, "kind": kind, "subject": arguments[subject]}
        asked |= {"value": arguments["value"]} if "value" in arguments else {}
        done = client.request("ai/assistant/propose", asked)
        return {"allowed": True, "operation": done["operationId"]}

    return propose


_ASKS = "Asks the person at the computer first, and waits up to 5 minutes for a yes."

TOOLS: Final = {
    tool.name: tool
    for tool in (
        ToolSpec(
            "status",
            "State of the Docker engine, of every module of the AI stack and its services, with "
            "reasons; active alerts; model servers and the last check of models.",
            _status,
            {},
        ),
        ToolSpec(
            "errors",
            "What has failed: operations, modules in trouble and the engine, each with the "
            "documented meaning and fix of its code. With a code, only its documentation.",
            _errors,
            {"code": {**_TEXT, "description": "an error code, such as E_PORT_CONFLICT"}},
        ),
        ToolSpec(
            "doctor",
            "Check installation, Docker engine, disk, memory, clock and what the chosen modules "
            "need. Takes some seconds.",
            _doctor,
            {},
        ),
        ToolSpec(
            "logs",
            "Kept log lines of the services, the newest first, also of containers that are gone.",
            _logs,
            {
                "module": _MODULE,
                "level": {**_TEXT, "description": "this or higher: debug, info, warn or error"},
                "text": {**_TEXT, "description": "only lines with this text, in any case"},
                "limit": {"type": "integer", "description": "at most so many lines, up to 200"},
            },
        ),
        ToolSpec(
            "statistics",
            "Processor, memory, network and disk that each service uses now.",
            _statistics,
            {},
        ),
        ToolSpec(
            "start_module",
            f"Start a module and what it needs. {_ASKS}",
            _proposal("start", "module"),
            {"module": _MODULE},
            ("module",),
            changes=True,
        ),
        ToolSpec(
            "stop_module",
            f"Stop a module. Its data stays. {_ASKS}",
            _proposal("stop", "module"),
            {"module": _MODULE},
            ("module",),
            changes=True,
        ),
        ToolSpec(
            "set_setting",
            f"Set a setting that is no secret. Modules use it from their next start on. {_ASKS}",
            _proposal("setting", "name"),
            {
                "name": {**_TEXT, "description": "such as n8n.N8N_HOST_PORT"},
                "value": {**_TEXT, "description": "the new value; without it, the default"},
            },
            ("name",),
            changes=True,
        ),
    )
}
"""All tools, by name."""
