"""What runs again after a group was copied, and what is shown. Stage and engine are scripted: what
they are asked counts."""

from types import SimpleNamespace
from typing import Any, cast

from aiserver_tray.base.errors import AiServerError, BackupError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.create import Creation
from aiserver_tray.features.backup.plan import BackupPlan
from aiserver_tray.model import Container
from tests.support.made import container


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
    creation = Creation(tools, journal, cast("Any", None), BackupPlan(()), "hand", "id")
    well = container("n8n", health="healthy")
    ill = container("dify", status="restarting")
    assert not creation._has_started(stage, [ill, well])
    assert (started, waited) == ([ill.id], [well])
    assert [str(text) for text in notices] == ["It does not start."]
    assert creation._has_started(stage, [ill, well])
