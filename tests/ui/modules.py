"""A module with its services, its lines and its samples, as the owner answers them."""

from datetime import datetime, timedelta
from typing import Any

from aiserver_tray.contract.contract import Envelope, Peer, answer
from aiserver_tray.contract.events import LOG
from aiserver_tray.contract.message import Json
from tests.support import states
from tests.support.scripted import Scripted

BEGIN = datetime.fromisoformat("2026-01-01T10:00:00.000001+00:00")
LEVELS = ("info", "debug", "warn", "error")


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
    } | more


def dify(state: str = "running", **more: Any) -> Json:  # noqa: ANN401
    services = [service("api"), service("worker", health="unhealthy", reason="unhealthy")]
    return states.module("dify", state, services=services) | more


class Writer:
    """Answers who attaches to a stream with its first lines, and writes more."""

    def __init__(self, host: Scripted, first: int) -> None:
        self._first = first
        self._written = 0
        host.handlers["ai/module/logsAttach"] = self._attach

    def _attach(self, asked: Json, peer: Peer) -> Envelope:
        self._stream, self._peer = asked["streamId"], peer
        self._written = 0
        self.write(self._first)
        return answer({})

    def write(self, count: int) -> None:
        for number in range(self._written, self._written + count):
            line = {
                "streamId": self._stream,
                "event": "stdout",
                "chunk": f"\x1b[31mline <b>{number}\x1b[0m id={number % 10}",
                "timestamp": (BEGIN + timedelta(milliseconds=number)).isoformat(),
                "module": "dify",
                "service": ("api", "worker")[number % 2],
                **self.level(number),
            }
            self._peer.send(LOG.message(line))  # type: ignore[arg-type]
        self._written += count

    def level(self, number: int) -> Json:
        """The level of a line."""
        return {"level": LEVELS[number % 4], "continues": False}


class FailingWriter(Writer):
    """Writes an error, a line of its trace, a line without a level, and so on."""

    def level(self, number: int) -> Json:
        """The level of a line."""
        level = ("error", "error", "unknown")[number % 3]
        return {"level": level, "continues": number % 3 == 1}


def history(asked: Json, _peer: Peer) -> Envelope:
    """Two samples of two modules, or of one with its services."""
    gib = 2**30
    dify = {"module": "dify", "cpu": [None, 160.0], "memory": [None, 3 * gib]}
    redis = {"module": "redis", "cpu": [8.0, 8.0], "memory": [gib // 4, gib // 4]}
    worker = dify | {"service": "worker"}
    total = {"cpu": [8.0, 168.0], "memory": [gib // 4, 3 * gib + gib // 4]}
    found = {"interval": 15, "times": [1767261600, 1767261615], "total": total}
    if asked.get("module") == "dify":
        return answer(found | {"modules": [dify], "services": [worker]})
    return answer(found | {"modules": [dify, redis], "services": []})
