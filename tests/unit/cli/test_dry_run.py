"""What `up --dry-run` prints. The core is a fake, since a plan needs an engine."""

import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.cli import operate
from aiserver_tray.operations.request import Request

STEPS = [{"id": "pull web:1", "kind": "pull", "subject": "web:1", "module": "web"}]


@pytest.mark.parametrize("steps", [[], STEPS], ids=["nothing", "steps"])
@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
def test_notices_are_reported_beside_the_plan(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    steps: list[dict[str, Any]],
    *,
    as_json: bool,
) -> None:
    plan = {"steps": steps, "notices": ["little memory"]}
    core = SimpleNamespace(operations=SimpleNamespace(plan=lambda _request: plan))
    monkeypatch.setattr(operate, "current_app", lambda: SimpleNamespace(language="en"))
    monkeypatch.setattr(operate, "shared_core", lambda _app: nullcontext(core))

    operate._print_plan(Request("up"), as_json=as_json)

    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == "little memory"
    assert "little memory" not in told.out
    if as_json:
        assert json.loads(told.out) == steps
