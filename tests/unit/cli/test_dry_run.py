"""What `up --dry-run` prints. The core is a fake, since a plan needs an engine."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import operate
from aiserver_tray.operations.plan.plan import Plan, Step
from aiserver_tray.operations.preview import Preview
from aiserver_tray.operations.request import Request

STEPS = Plan.of([Step("pull", "web:1", "web")])


def dry_run(monkeypatch: pytest.MonkeyPatch, preview: Preview, *, as_json: bool) -> None:
    core = SimpleNamespace(operations=SimpleNamespace(preview=lambda _request: preview))
    app = SimpleNamespace(core=lambda: nullcontext(core), language="en")
    monkeypatch.setattr(operate, "current_app", lambda: app)
    operate._print_plan(Request("up"), as_json=as_json)


@pytest.mark.parametrize("plan", [Plan(), STEPS], ids=["nothing", "steps"])
@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
def test_notices_are_reported_beside_the_plan(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    plan: Plan,
    *,
    as_json: bool,
) -> None:
    dry_run(monkeypatch, Preview(plan, (Text("little memory"),)), as_json=as_json)
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == "little memory"
    assert "little memory" not in told.out
    if as_json:
        assert [step["id"] for step in json.loads(told.out)] == [step.id for step in plan]
