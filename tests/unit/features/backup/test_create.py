"""What runs again after a group was copied, and what is shown. Stage and engine are scripted: what
they are asked counts."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aiserver_tray.base.errors import AiServerError, BackupError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.create import Creation
from aiserver_tray.features.backup.plan import BackupPlan
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.model import Container
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.stages import PublishedView
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import StepView
from tests.support.made import container, operation


def test_a_module_that_does_not_start_is_told_and_one_that_was_not_well_is_not_waited_for() -> None:
    started: list[str] = []
    waited: list[Container] = []
    notices: list[Text] = []
    error: AiServerError = BackupError(Text("It does not start."))

    def start(containers: list[Container]) -> None:
        waited.extend(containers)
        if len(notices) == 0:
            raise error

    engine = SimpleNamespace(containers=SimpleNamespace(start=started.append))
    stage: Any = SimpleNamespace(start=start, notice=notices.append)
    tools, journal = cast("Any", SimpleNamespace(engine=engine)), cast("Any", None)
    creation = Creation(tools, journal, BackupPlan(()), Path("b.zip"), "hand", [], "id")
    well = container("n8n", health="healthy")
    ill = container("dify", status="restarting")
    assert not creation._has_started(stage, [ill, well])
    assert (started, waited) == ([ill.id], [well])
    assert [str(text) for text in notices] == ["It does not start."]
    assert creation._has_started(stage, [ill, well])


def test_the_backup_before_a_restore_takes_nothing_back_from_its_progress() -> None:
    with closing(Store()) as store:
        view, nothing = PublishedView(store, operation("restore")), cast("Any", None)
        stage = Stage(lambda _: None, Request("restore"), nothing, nothing, view)
        shares = []
        stage.show([StepView("start", "ai-n8n", "n8n", usual=60.0)])
        with stage.earlier_part():
            stage.show([StepView("start", "ai-n8n", "n8n", usual=20.0)])
            with stage.step("start", "ai-n8n", "n8n"):
                shares.append(view.now.share)
            shares.append(view.now.share)
        stage.show([StepView("swap", "n8n/data", "n8n", usual=0.0)])
        shares.append(view.now.share)
        with stage.step("start", "ai-n8n", "n8n"):
            shares.append(view.now.share)
        assert shares == [0, 0.25, 0.25, 0.25]
        assert [step.kind for step in view.now.steps] == ["start", "start", "swap"]
        assert [step.status for step in view.now.steps] == ["done", "done", "pending"]
