"""``status --json``: exactly the names of the design."""

import json

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.model import Port
from aiserver_tray.state.encode import status_json
from aiserver_tray.state.facts import EngineDown
from aiserver_tray.state.views import ModuleAbilities
from tests.support.made import after, container, ended, model, running_engine

PORT = Port("127.0.0.1", 18100, 5678)


def test_status_of_a_stack() -> None:
    state = running_engine(
        container("db/db", health="healthy"),
        container("n8n/n8n", health="unhealthy", last_check="refused", ports=(PORT,)),
        ended("n8n/job", exit_code=0),
        ended("left/app", exit_code=2),
        models=(
            model("db", "db", kind="basic"),
            model("n8n", "n8n", jobs=("job",), requires=("db",)),
        ),
        desired=("n8n",),
    )
    status = json.loads(json.dumps(status_json(state.snapshot)))
    assert {**status, "modules": None} == {
        "engine": {"running": True, "version": "26.1.5"},
        "state": "error",
        "modules": None,
    }
    db, n8n, left = status["modules"]
    assert db == module(
        "db",
        service("db", "db", health="healthy"),
        kind="basic",
        usedBy=["n8n"],
        neededBy=["n8n"],
        abilities=abilities(
            start="It is already running", stop="Used by n8n", remove="Used by n8n"
        ),
    )
    assert n8n == module(
        "n8n",
        service("n8n", "n8n", health="unhealthy", reason="unhealthy: refused"),
        service("n8n", "job", state="exited", job=True, exitCode=0),
        requires=["db"],
        state="error",
        reason="unhealthy: refused",
        trouble={
            "kind": "unhealthy",
            "reason": "unhealthy: refused",
            "service": "n8n",
            "since": None,
            "available": None,
            "remedies": [
                {"kind": "restart", "text": "Restart n8n", "module": "n8n"},
                {"kind": "logs", "text": "Logs", "module": "n8n", "service": "n8n"},
            ],
        },
        ports=[
            {
                "service": "n8n",
                "address": "127.0.0.1",
                "host": 18100,
                "container": 5678,
                "protocol": "tcp",
                "open": None,
            }
        ],
        ready=1,
        total=2,
    )
    assert left == module(
        "left",
        service("left", "app", state="exited", exitCode=2),
        orphan=True,
        wanted=False,
        state="stopped",
        since=None,
        ready=0,
        abilities=abilities(
            start="It is no longer in the catalog",
            stop="It is already stopped",
            stopWithUsers="It is already stopped",
            restart="It is no longer in the catalog",
        ),
    )


def abilities(**reasons: str) -> dict[str, str | None]:
    """Of a module without a page: all that has no reason against it is possible."""
    reasons["open"] = "It has no web page"
    return {action: reasons.get(action) for action in ModuleAbilities.__annotations__}


def module(name: str, *services: dict[str, object], **other: object) -> dict[str, object]:
    """A wanted feature that runs, but for *other*."""
    nothing = dict.fromkeys(("problem", "trouble", "memoryLimit", "open", "reason", "word"))
    return {
        **nothing,
        **{key: [] for key in ("requires", "needs", "usedBy", "neededBy", "ports")},
        "name": name,
        "kind": "feature",
        "title": name,
        "summary": "",
        "icon": "package",
        "version": "1",
        "outdated": False,
        "since": "2026-01-01T00:00:00+00:00",
        "wanted": True,
        "state": "running",
        "ready": 1,
        "total": 1,
        "remedy": None,
        "orphan": False,
        "abilities": abilities(),
        "services": [*services],
        **other,
    }


def service(module: str, name: str, **other: object) -> dict[str, object]:
    return {
        **dict.fromkeys(("exitCode", "attempt", "memoryLimit", "lastState", "reason")),
        "name": name,
        "container": f"ai-{module}-{name}",
        "state": "running",
        "health": "none",
        "image": f"{name}:1",
        "job": False,
        "startedAt": "2026-01-01T00:00:00+00:00",
        "comingBack": False,
        "restarts": 0,
        **other,
    }


def test_status_without_an_engine() -> None:
    state = after(EngineDown(EngineDownError("here", "refused")), start=running_engine())
    status = status_json(state.snapshot)
    assert status["engine"] == {"running": False, "version": None}
    assert status["state"] == "engine_down"
    (web,) = status["modules"]
    assert (web["state"], web["ready"], web["ports"]) == ("engine_down", 0, [])
    assert web["services"][0]["state"] == "absent"
    assert web["services"][0]["startedAt"] is None
