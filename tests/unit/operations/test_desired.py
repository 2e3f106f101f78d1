"""What operations change of the desired modules, and of the services that were stopped alone."""

import pytest

from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.prepare import Prepared
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope
from aiserver_tray.operations.stages import remember
from aiserver_tray.settings.content import EngineState

WORKER = Request("stop", ("web",), services=("worker",))


@pytest.mark.parametrize(
    ("request_", "modules", "desired", "stopped"),
    [
        (WORKER, ("web",), ["web", "user"], ["db/db", "web/app", "web/worker"]),
        (WORKER, ("web", "user"), ["web"], ["db/db", "web/app", "web/worker"]),
        (Request("up", ("web",), services=("app",)), ("web",), ["web", "user"], ["db/db"]),
        (Request("restart", ("web",)), ("web",), ["web", "user"], ["db/db"]),
        (Request("stop", ("web",)), ("web",), ["user"], ["db/db"]),
        (Request("up", ("db",)), ("db",), ["web", "user", "db"], ["web/app"]),
    ],
)
def test_desired_modules_and_stopped_services_follow_each_request(
    request_: Request, modules: tuple[str, ...], desired: list[str], stopped: list[str]
) -> None:
    state = EngineState(desired=["web", "user"], stopped=["db/db", "web/app"])
    remember(request_, Prepared(Plan(), Scope(modules, modules), Observed()), state)
    assert (state.desired, state.stopped) == (desired, stopped)
