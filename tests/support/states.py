"""Snapshots as the owner of the core sends them, of a stack in each of its states."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    JointError,
    PortConflictError,
    ResourcesError,
)
from aiserver_tray.base.i18n import Language, Text, rendered
from aiserver_tray.protocol.message import Json
from aiserver_tray.state.abilities import Condition, module_abilities, stack_abilities
from aiserver_tray.state.encode import operation_of, snapshot_of
from aiserver_tray.state.state import Work

TITLES = {
    "n8n": ("n8n", "Workflow automation with hundreds of integrations"),
    "dify": ("Dify", "Build and run applications on language models"),
    "oneapi": ("OneAPI", "One interface to many model providers"),
    "ragflow": ("RAGFlow", "Answers questions from your own documents"),
    "postgres": ("PostgreSQL", "Relational database"),
    "redis": ("Redis", "Cache and queue"),
    "elasticsearch": ("Elasticsearch", "Full-text search"),
}
CHINESE = {
    "n8n": ("n8n", "工作流自动化，支持数百种集成"),
    "dify": ("Dify", "构建并运行大模型应用"),
    "oneapi": ("OneAPI", "用一个接口访问多家模型服务"),
    "ragflow": ("RAGFlow", "基于自有文档的问答"),
    "postgres": ("PostgreSQL", "关系型数据库"),
    "redis": ("Redis", "缓存与队列"),
    "elasticsearch": ("Elasticsearch", "全文检索"),
}
FEATURES = ("n8n", "dify", "oneapi", "ragflow")
USERS = {
    "postgres": ["n8n", "dify"],
    "redis": ["n8n", "dify", "oneapi"],
    "elasticsearch": ["ragflow"],
}
ICONS = {"n8n": "workflow", "dify": "bot", "postgres": "database"}
DOWN_SINCE = "2026-01-02T09:12:00+00:00"
STARTED = "2026-01-01T00:00:00+00:00"
PORTS = {"n8n": 5678, "dify": 8080, "postgres": 5432, "redis": 6379}


def module(name: str, state: str = "stopped", **more: Any) -> Json:  # noqa: ANN401
    """A module in *state*; *more* are fields that differ."""
    is_up = state in ("running", "degraded")
    title, summary = TITLES[name]
    ports = [PORTS[name]] if is_up and name in PORTS else []
    return {
        "name": name,
        "kind": "feature" if name in FEATURES else "basic",
        "title": title,
        "summary": summary,
        "state": state,
        "ready": 3 if state == "running" else 1 if state in ("starting", "degraded") else 0,
        "total": 3,
        "word": None,
        "reason": None,
        "needs": [],
        "remedy": None,
        "orphan": False,
        "wanted": state != "stopped",
        "usedBy": USERS.get(name, []) if state != "stopped" else [],
        "neededBy": USERS.get(name, []),
        "ports": [
            {
                "service": name,
                "address": "127.0.0.1",
                "host": port,
                "container": port,
                "protocol": "tcp",
                "open": f"http://127.0.0.1:{port}/" if name in ("n8n", "dify") else None,
            }
            for port in ports
        ],
        "open": f"http://127.0.0.1:{PORTS[name]}/" if name in ("n8n", "dify") else None,
        "problem": None,
        "outdated": False,
        "trouble": trouble(name, more.get("reason")) if state in ("error", "degraded") else None,
        "icon": ICONS.get(name, "package"),
        "version": "1.2",
        "requires": [basic for basic, users in USERS.items() if name in users],
        "since": STARTED if is_up else None,
        "memoryLimit": 2 << 30,
        "services": [],
    } | more


def trouble(module: str, reason: str | None, kind: str = "exited", *first: Json) -> Json:
    """Why *module* does not run as it should; *first* are its best next steps."""
    return {
        "kind": kind,
        "reason": reason or "exited with code 1",
        "service": module,
        "since": (datetime.now(UTC) - timedelta(minutes=6)).isoformat(),
        "available": None,
        "remedies": [
            *first,
            {"kind": "restart", "text": "Restart", "module": module},
            {"kind": "logs", "text": "Logs", "module": module, "service": module},
        ],
    }


def snapshot(state: str = "stopped", *modules: Json, **more: Any) -> Json:  # noqa: ANN401
    """Everything in *state*; modules that are not given are stopped."""
    given = {one["name"]: one for one in modules}
    shown = {
        "language": "en",
        "engine": {
            "running": True,
            "version": "29.1.0",
            "id": "lab",
            "error": None,
            "starting": False,
            "cpus": 8,
            "memory": 24 << 30,
            "downSince": None,
            "startBegun": None,
            "usualStart": None,
        },
        "state": state,
        "word": None,
        "sentence": None,
        "modules": [given.get(name, module(name)) for name in TITLES],
        "operations": [],
        "chosen": ["n8n", "dify", "oneapi"],
        "theme": "system",
    } | more
    return with_abilities(shown, "en")


def with_abilities(shown: Json, language: Language) -> Json:
    """*shown* with what can be done, as the core computes it, in *language*."""
    modules = [
        one | {"abilities": rendered(module_abilities(_condition(one, shown)), language)}
        for one in shown["modules"]
    ]
    shown = shown | {"modules": modules}
    known = snapshot_of(shown | {"abilities": dict.fromkeys(("start", "stop", "cancel"))})
    able = stack_abilities(known.engine, known.modules, known.operations, known.chosen)
    return shown | {"abilities": rendered(able, language)}


def _condition(module: Json, shown: Json) -> Condition:
    is_there = module["state"] not in ("stopped", "engine_down")
    problem = module["problem"]
    return Condition(
        state=module["state"],
        is_alive=is_there,
        has_containers=is_there,
        is_wanted=module["wanted"],
        is_busy=Work.of(map(operation_of, shown["operations"])).has(module["name"]),
        is_orphan=module["orphan"],
        has_page=module["open"] is not None,
        is_published=module["open"] is not None,
        problem=problem and Text("{why}", why=problem),
        users=tuple(module["usedBy"]),
    )


def operation(kind: str = "up", *modules: str, **more: Any) -> Json:  # noqa: ANN401
    """An operation under way."""
    return {
        "id": "op-1",
        "kind": kind,
        "modules": list(modules),
        "services": [],
        "status": "running",
        "done": 3,
        "total": 7,
        "text": "waiting for postgres",
        "share": 3 / 7,
        "download": None,
        "secondsLeft": 42 * 60.0,
        "delay": None,
        "error": None,
        "notices": [],
        "foreign": False,
        "revival": False,
        "endedAt": None,
    } | more


def step(kind: str, subject: str, module: str, **more: Any) -> Json:  # noqa: ANN401
    """A step of an operation, which has not begun."""
    return {
        "kind": kind,
        "subject": subject,
        "module": module,
        "service": module,
        "status": "pending",
        "detail": None,
        "current": 0,
        "total": 0,
        "rate": 0.0,
        "awaitsShared": False,
        "began": None,
        "seconds": None,
        "usual": None,
    } | more


def running() -> Json:
    """All that is wanted runs."""
    names = ("n8n", "dify", "postgres", "redis")
    return snapshot("running", *(module(name, "running") for name in names))


def starting() -> Json:
    """*Start all* is under way."""
    modules = (
        module("n8n", "starting"),
        module("dify", "starting", ready=0),
        module("oneapi", "running"),
        module("ragflow", "starting", ready=2, total=4),
        module("postgres", "starting", reason="its first health check is awaited"),
        module("redis", "running"),
        module("elasticsearch", "starting", ready=0, total=1),
    )
    return snapshot("starting", *modules, operations=[operation()])


PORT_TAKEN = PortConflictError(
    "n8n",
    "127.0.0.1",
    18100,
    Text("{program} (process {pid})", program="node.exe", pid=14208),
    18101,
    "n8n.N8N_HOST_PORT",
)
NO_MEMORY = ResourcesError(
    Text("ragflow needs 8 GB memory, but the engine has 4 GB."),
    resource="memory",
    module="ragflow",
    needed=8 << 30,
    available=4 << 30,
)
RAISE = {
    "kind": "set",
    "text": "Raise to 6 GB and restart",
    "setting": "elasticsearch.ELASTICSEARCH_MEMORY",
    "value": "6g",
}


def failed() -> Json:
    """A start failed for two reasons; something else fell over."""
    modules = (
        module("dify", "degraded", reason="api: exited with code 1, restarting"),
        module("oneapi", "error", reason="oneapi: unhealthy for 2 minutes", ready=0, total=1),
        module("postgres", "running"),
        module("redis", "running"),
    )
    return failure([PORT_TAKEN, NO_MEMORY], "n8n", "ragflow", shown=modules)


def failure(
    errors: Sequence[AiServerError],
    *modules: str,
    shown: Sequence[Json] = (),
    language: Language = "en",
) -> Json:
    """A start of *modules* failed, because of *errors*."""
    error = errors[0] if len(errors) == 1 else JointError(errors)
    now = datetime.now(UTC).isoformat()
    more: Json = {"id": "op-2", "status": "failed", "secondsLeft": None, "endedAt": now}
    ended = operation("up", *modules, error=error.as_json(language), **more)
    state = "error" if shown else "stopped"
    return with_abilities(snapshot(state, *shown, operations=[ended]), language)


def out_of_memory() -> Json:
    """A basic service ran out of memory, and the catalog has a setting for its limit."""
    service: Json = {
        "name": "elasticsearch",
        "container": "ai-elasticsearch",
        "state": "exited",
        "health": "none",
        "image": "elasticsearch:9",
        "job": False,
        "exitCode": 137,
        "startedAt": None,
        "restarts": 0,
        "memoryLimit": 4 << 30,
        "reason": "ran out of memory (exit code 137)",
        "comingBack": False,
        "attempt": None,
    }
    why = trouble("elasticsearch", service["reason"], "memory", RAISE) | {"available": 12 << 30}
    return module("elasticsearch", "error", trouble=why, services=[service], usedBy=["ragflow"])


def engine_down() -> Json:
    """The engine does not answer."""
    error = EngineDownError("unix:///var/run/docker.sock", "connection refused").as_json("en")
    engine = snapshot()["engine"] | {"running": False, "version": None, "error": error}
    modules = [module(name, "engine_down") for name in TITLES]
    return snapshot("engine_down", *modules, engine=engine | {"downSince": DOWN_SINCE})


def in_chinese(shown: Json) -> Json:
    """*shown* with the modules' texts in Chinese, as the owner sends them to a Chinese client."""
    modules = [
        one | dict(zip(("title", "summary"), CHINESE[one["name"]], strict=True))
        for one in shown["modules"]
    ]
    return with_abilities(shown | {"modules": modules}, "zh")
