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
    assert status == {
        "engine": {"running": True, "version": "26.1.5"},
        "state": "error",
        "modules": [
            {
                "name": "db",
                "kind": "basic",
                "title": "db",
                "summary": "",
                "icon": "package",
                "version": "1",
                "requires": [],
                "problem": None,
                "outdated": False,
                "trouble": None,
                "since": "2026-01-01T00:00:00+00:00",
                "memoryLimit": None,
                "wanted": True,
                "open": None,
                "state": "running",
                "ready": 1,
                "total": 1,
                "reason": None,
                "word": None,
                "needs": [],
                "remedy": None,
                "orphan": False,
                "usedBy": ["n8n"],
                "neededBy": ["n8n"],
                "abilities": abilities(
                    start="It is already running", stop="Used by n8n", remove="Used by n8n"
                ),
                "ports": [],
                "services": [service("db", "db", health="healthy")],
            },
            {
                "name": "n8n",
                "kind": "feature",
                "title": "n8n",
                "summary": "",
                "icon": "package",
                "version": "1",
                "requires": ["db"],
                "problem": None,
                "outdated": False,
                "trouble": {
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
                "since": "2026-01-01T00:00:00+00:00",
                "memoryLimit": None,
                "wanted": True,
                "open": None,
                "state": "error",
                "ready": 1,
                "total": 2,
                "reason": "unhealthy: refused",
                "word": None,
                "needs": [],
                "remedy": None,
                "orphan": False,
                "usedBy": [],
                "neededBy": [],
                "abilities": abilities(),
                "ports": [
                    {
                        "service": "n8n",
                        "address": "127.0.0.1",
                        "host": 18100,
                        "container": 5678,
                        "protocol": "tcp",
                        "open": None,
                    }
                ],
                "services": [
                    service("n8n", "n8n", health="unhealthy", reason="unhealthy: refused"),
                    service("n8n", "job", state="exited", job=True, exitCode=0),
                ],
            },
            {
                "name": "left",
                "kind": "feature",
                "title": "left",
                "summary": "",
                "icon": "package",
                "version": "1",
                "requires": [],
                "problem": None,
                "outdated": False,
                "trouble": None,
                "since": None,
                "memoryLimit": None,
                "wanted": False,
                "open": None,
                "state": "stopped",
                "ready": 0,
                "total": 1,
                "reason": None,
                "word": None,
                "needs": [],
                "remedy": None,
                "orphan": True,
                "usedBy": [],
                "neededBy": [],
                "abilities": abilities(
                    start="It is no longer in the catalog",
                    stop="It is already stopped",
                    stopWithUsers="It is already stopped",
                    restart="It is no longer in the catalog",
                ),
                "ports": [],
                "services": [service("left", "app", state="exited", exitCode=2)],
            },
        ],
    }


def abilities(**reasons: str) -> dict[str, str | None]:
    """Of a module without a page: all that has no reason against it is possible."""
    reasons["open"] = "It has no web page"
    return {action: reasons.get(action) for action in ModuleAbilities.__annotations__}


def service(module: str, name: str, **other: object) -> dict[str, object]:
    return {
        "name": name,
        "container": f"ai-{module}-{name}",
        "state": "running",
        "health": "none",
        "image": f"{name}:1",
        "job": False,
        "exitCode": None,
        "startedAt": "2026-01-01T00:00:00+00:00",
        "comingBack": False,
        "attempt": None,
        "restarts": 0,
        "memoryLimit": None,
        "lastState": None,
        "reason": None,
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
