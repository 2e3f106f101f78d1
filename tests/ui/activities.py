"""Entries of the journal, and checks of the doctor, as the owner answers them."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from aiserver_tray.protocol.message import Json
from aiserver_tray.settings.entries import EntryKind

NOW = datetime.now(UTC)


def entry(id: str, minutes: float, kind: str = "operation", **more: Any) -> Json:  # noqa: ANN401
    """An entry that is so many *minutes* old; *more* are its own fields."""
    fields = dict.fromkeys(get_args(EntryKind))
    return (
        {
            "id": id,
            "time": (NOW - timedelta(minutes=minutes)).isoformat(),
            "kind": kind,
            "actor": {"kind": "window", "pid": 1},
            "text": id,
            "permissions": [],
        }
        | fields
        | more
    )


def operation(kind: str, *asked: str, status: str = "succeeded", **more: Any) -> Json:  # noqa: ANN401
    """What an operation's entry has of it."""
    return {
        "kind": kind,
        "modules": list(asked),
        "asked": list(asked),
        "services": [],
        "all": False,
        "cascade": False,
        "recreate": False,
        "status": status,
        "seconds": None if status == "running" else 12.0,
        "error": None,
        "steps": [],
    } | more


def step(kind: str, module: str, began: float | None, end: float | None, **more: Any) -> Json:  # noqa: ANN401
    """A step from *began* to *end*, in seconds since the operation's beginning."""
    return {
        "kind": kind,
        "subject": f"{module}:1" if kind == "pull" else f"ai-{module}",
        "module": module,
        "service": None if kind == "pull" else module,
        "status": "done" if end else "pending" if began is None else "running",
        "began": began,
        "seconds": None if began is None or end is None else end - began,
        "usual": None,
        "total": 0,
    } | more


def start_all() -> Json:
    """A start of Dify, which waits for PostgreSQL; Redis takes no part in how long it takes."""
    steps = [
        step("pull", "postgres", 0.1, 30, total=300_000_000),
        step("pull", "redis", 0.1, 4),
        step("start", "postgres", 30.001, 31),
        step("start", "redis", 4.001, 5),
        step("wait", "redis", 5.001, 9),
        step("wait", "postgres", 31.001, 60, usual=20.0),
        step("start", "dify", 60.001, 61),
        step("wait", "dify", 61.001, 252.3, usual=190.0),
    ]
    whole = operation("up", modules=["postgres", "redis", "dify"], seconds=252.3, steps=steps)
    return entry("all", 60, actor={"kind": "tray", "pid": 1}, operation=whole)


FAILED = entry(
    "failed",
    90,
    actor={"kind": "command", "pid": 7},
    operation=operation(
        "up",
        "n8n",
        status="failed",
        seconds=3.0,
        error={"code": "E_PORT_CONFLICT", "message": "Port 18100 is already in use."},
    ),
)
CHANGED = entry(
    "changed",
    100,
    "setting",
    setting={"address": "n8n.N8N_HOST_PORT", "value": "18101", "reset": False},
)
CHECKS = [
    {"name": "memory", "grade": "ok", "message": "The engine has 24 GB memory.", "remedies": []},
    {
        "name": "autostart",
        "grade": "fact",
        "message": "There is no desktop that can start the applet at login.",
        "remedies": [],
    },
    {
        "name": "ports",
        "grade": "problem",
        "message": "Port 18100 is already in use.",
        "remedies": [
            {"kind": "set", "text": "Use port 18101", "setting": "n8n.PORT", "value": "18101"}
        ],
    },
    {
        "name": "resources",
        "grade": "problem",
        "message": "elasticsearch needs a kernel setting.",
        "remedies": [
            {
                "kind": "set",
                "text": "Allow it",
                "setting": "app.kernel_settings",
                "value": "true",
                "question": "May AI-Server Tray set vm.max_map_count?",
            }
        ],
    },
]
