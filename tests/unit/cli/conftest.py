"""Commands with an owner that answers what a test says."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aiserver_tray.cli import root
from aiserver_tray.protocol.message import Envelope, answer
from tests.support import states
from tests.support.scripted import Scripted

Run = Callable[..., Result]


def ended(kind: str, *modules: str, step: str = "probe") -> Envelope:
    """The answer to waiting for an operation that succeeded."""
    operation = states.operation(kind, *modules) | {
        "status": "succeeded",
        "detail": None,
        "steps": [states.step(step, "ai-n8n", "n8n", status="done")],
    }
    return answer({"operation": operation})


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The owner; a real one needs an engine. A test's file adds its answers."""
    host = Scripted(states.running())
    place = "aiserver_tray.owner.on_demand.OnDemand"
    monkeypatch.setattr(place, lambda *_: nullcontext(host))
    return host


@pytest.fixture
def run(host: Scripted, tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """Calls the command that the test's file names as ``COMMAND``, with further words."""

    def run(*words: str) -> Result:
        given = ["--home", str(tmp_path / "home"), request.module.COMMAND, *words]
        return CliRunner().invoke(root, given, env={"LANG": "C.UTF-8"})

    return run
