"""A module with its services and its samples, as the owner answers them."""

from datetime import datetime
from typing import Any

from aiserver_tray.protocol.message import Envelope, Json, Peer, answer
from tests.support import states

BEGIN = datetime.fromisoformat("2026-01-01T10:00:00.000001+00:00")


def service(name: str, **more: Any) -> Json:  # noqa: ANN401
    """A healthy service; *more* are fields that differ."""
    return {
        "name": name,
        "container": f"ai-dify-{name}",
        "state": "running",
        "health": "healthy",
        "image": f"langgenius/dify-{name}:1.17.1",
        "job": False,
        "exitCode": None,
        "startedAt": states.STARTED,
        "restarts": 0,
        "memoryLimit": None,
        "reason": None,
        "comingBack": False,
        "attempt": None,
        "lastState": None,
    } | more


def dify(state: str = "running", **more: Any) -> Json:  # noqa: ANN401
    services = [service("api"), service("worker", health="unhealthy", reason="unhealthy")]
    return states.module("dify", state, services=services) | more


DETAILS: Json = {"accounts": [], "volumes": [], "connections": [], "notHere": None}
"""Those of a module about which there is nothing more to say."""


def connection(title: str, database: str, **more: Any) -> Json:  # noqa: ANN401
    """How programs connect to a database of PostgreSQL."""
    address = f"postgresql://{database or 'me'}:{{password}}@"
    return {
        "title": title,
        "database": database,
        "here": f"{address}127.0.0.1:15432/{database}",
        "others": f"{address}postgres:5432/{database}",
        "setting": "dify.PASSWORD",
    } | more


BEGUN = 1767261600
"""When the samples begin: seconds since 1970."""


def series(cpu: list[float | None], memory: list[int | None]) -> Json:
    """What was used; network and disk: a kilobyte per second in each way."""
    others = ("rx", "tx", "read", "write")
    return {"cpu": cpu, "memory": memory, "pids": [9, 9]} | {name: [1024, 1024] for name in others}


def history(asked: Json, _peer: Peer, cpu: float = 168.0) -> Envelope:
    """Two samples of two modules, or of one with its services."""
    gib = 2**30
    own = series([None, cpu - 8], [None, 3 * gib])
    total = series([8.0, cpu], [gib // 4, 3 * gib + gib // 4])
    dify = {"module": "dify", **own}
    redis = {"module": "redis", **series([8.0, 8.0], [gib // 4, gib // 4])}
    found = {"interval": 15, "times": [BEGUN, BEGUN + 15], "total": total, "marks": [MARK]}
    if asked.get("module") == "dify":
        services = [dify | {"service": "worker"}]
        return answer(found | {"modules": [dify], "services": services, "peaks": own})
    return answer(found | {"modules": [dify, redis], "services": [], "peaks": total})


DISK: Json = {
    "engine": {
        "time": BEGUN,
        "images": 3 << 30,
        "containers": 0,
        "volumes": 1 << 30,
        "buildCache": 0,
        "unused": 1 << 30,
    },
    "machine": {"memoryAvailable": 1 << 30, "diskFree": 7 << 30, "diskSize": 9 << 30},
}

MARK: Json = {
    "time": BEGUN + 14.0,
    "kind": "restart",
    "modules": ["dify"],
    "service": "worker",
    "seconds": None,
    "text": None,
    "activity": None,
}


def unused(id: str, group: str, size: int, *names: str, **more: Any) -> Json:  # noqa: ANN401
    """A thing that a clean-up can remove."""
    module = {"time": None, "module": None}
    return {"id": id, "group": group, "names": [*names], "bytes": size << 20} | module | more


CLEANUP: Json = {
    "things": [
        unused("image old", "images", 298, "n8nio/n8n:2.40.5", time=BEGUN),
        unused("image older", "images", 75, "n8nio/n8n:2.40.4", time=BEGUN - 86400),
        unused("container one", "containers", 12, "ai-gone", module="gone"),
        unused("export one", "exports", 112, "logs-20261102-101010-1.log", time=BEGUN),
        unused("image next", "needed", 79, "redis:7.4.11-alpine", module="redis"),
        unused("image sql", "foreign", 1600, "mcr.microsoft.com/mssql/server:2022", time=BEGUN),
        *(unused(f"image {n}", "foreign", 90 - n, f"node:{n}") for n in range(20, 26)),
    ],
    "shared": [{"ids": ["image old", "image older"], "bytes": 100 << 20}],
}
