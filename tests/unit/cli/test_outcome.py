"""What is said of an operation at its end."""

from dataclasses import replace

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.operate import outcome_json, summary
from aiserver_tray.state.views import EngineView, OperationView, Snapshot, StepView
from tests.support.made import STACK_ABLE
from tests.unit.cli.modules import MODULE

OTHER = replace(MODULE, name="dify", state="starting", open=None)
SNAPSHOT = Snapshot(
    EngineView(running=True, version="1"), "running", (OTHER, MODULE), abilities=STACK_ABLE
)
STEP = StepView("pull", "i:1", "n8n", status="done")


def said(view: OperationView) -> list[str]:
    return [str(text) for text in summary(view, SNAPSHOT, 12.34)]


def operation(kind: str, *modules: str, steps: int = 1) -> OperationView:
    return OperationView("1", kind, modules, "succeeded", steps=(STEP,) * steps)  # type: ignore[arg-type]


def test_result_names_the_address_and_the_duration_in_the_words_of_its_kind() -> None:
    assert said(operation("up", "n8n")) == ["n8n is running: http://localhost:18100 (12.3 s)"]
    assert said(operation("restart", "dify", "n8n")) == [
        "dify is starting",
        "n8n is running: http://localhost:18100",
        "Done in 12.3 s.",
    ]
    assert said(operation("stop", "n8n", "dify")) == ["Stopped: n8n and dify (12.3 s)"]
    assert said(operation("down", "n8n")) == ["Removed: n8n (12.3 s)"]
    assert said(operation("pull", "n8n", steps=3)) == ["3 images pulled (12.3 s)"]
    assert said(operation("build", "n8n", steps=1)) == ["1 image built (12.3 s)"]
    assert said(operation("stop", "n8n", steps=0)) == ["There is nothing to do."]


def test_json_has_the_form_of_every_answer() -> None:
    notice = Text("memory is short")
    good = outcome_json(replace(operation("up", "n8n"), notices=(notice,)), SNAPSHOT, "en", 1.0)
    assert (good["success"], good["code"], good["data"]) == (True, None, {})
    assert [module["name"] for module in good["modules"]] == ["n8n"]
    assert good["notices"] == ["memory is short"]
    failed = replace(operation("up", "n8n"), status="failed", error=EngineDownError("h", "why"))
    bad = outcome_json(failed, SNAPSHOT, "en", 1.0)
    assert (bad["success"], bad["code"], bad["data"]["host"]) == (False, "E_ENGINE_DOWN", "h")
