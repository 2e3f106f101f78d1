"""What is kept of the logs."""

from typing import Any

_DAY = 1_767_225_600.0


def _module(name: str, lines: int, size: int) -> dict[str, Any]:
    return {"module": name, "lines": lines, "bytes": size, "first": _DAY}


KEPT: dict[str, Any] = {
    "modules": [
        _module("AI-Server", 1, 4096),
        _module("gone", 1234567, 47_000_000),
        _module("n8n", 23456, 1_250_000),
    ],
    "bytes": 48_254_096,
    "problem": None,
    "recovered": None,
    "unreadable": [],
}
