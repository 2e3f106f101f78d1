"""Operations, state and logs of the core, without a carrier."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from aiserver_tray.base.codec import to_json
from aiserver_tray.protocol.message import Json
from aiserver_tray.state.views import OperationSummary, Snapshot
from tests.contract.asking import ask, begin, given, refused, states
from tests.contract.heard import first
from tests.contract.host import DirectCaller, Host
from tests.support.limits import LIMIT
from tests.support.waiting import eventually


@pytest.fixture
def nothing_runs(core: DirectCaller) -> None:
    given(core, "ai/operation/start", kind="stop", untilEnd=True)


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays(core: DirectCaller) -> Iterator[None]:
    yield
    given(core, "ai/operation/start", kind="down", untilEnd=True)


@pytest.mark.usefixtures("nothing_runs")
def test_an_operation_is_answered_at_once_and_reports_its_progress(
    core: DirectCaller, host: Host
) -> None:
    id = begin(core, "up", "web")
    view = host.until(lambda snapshot: _find(snapshot, id))
    operation = to_json(view, "en")

    assert (operation["done"], operation["total"]) == (3, 3)
    assert {step["service"] for step in operation["steps"]} >= {"base", "db", "web"}
    assert given(core, "ai/operation/wait", id=id)["operation"] == operation
    assert given(core, "ai/module/status", name="web")["total"] == 2
    listed = given(core, "ai/operation/list")["operations"]
    assert ("up", "succeeded") in [(it["kind"], it["status"]) for it in listed]


def _find(snapshot: Snapshot, id: str) -> OperationSummary | None:
    """The operation, if it has succeeded."""
    found = [it for it in snapshot.operations if (it.id, it.status) == (id, "succeeded")]
    return found[0] if found else None


def test_a_module_that_another_uses_is_not_stopped(core: DirectCaller) -> None:
    given(core, "ai/module/start", name="web")
    assert states(core)["web"] == "running"

    told = refused(core, "ai/module/stop", {"name": "base"}, "E_IN_USE")

    assert told["data"] == {"module": "base", "users": ["web"]}
    assert "web" in told["message"]
    assert states(core)["base"] == "running"
    given(core, "ai/operation/start", kind="stop", untilEnd=True)
    assert states(core)["web"] == "stopped"


@pytest.mark.usefixtures("nothing_runs")
def test_an_operation_can_be_answered_at_its_end(core: DirectCaller) -> None:
    given(core, "ai/operation/start", kind="up", modules=["base"], untilEnd=True)

    assert given(core, "ai/module/status", name="base")["status"] == "running"


def test_an_operation_is_cancelled_while_its_caller_waits(core: DirectCaller, host: Host) -> None:
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(ask, core, "ai/module/start", {"name": "slow"})
        id = host.until(_waiting_for("slow"))
        given(core, "ai/operation/cancel", id=id)

        assert answer.result(LIMIT)["code"] == "E_CANCELLED"
    assert given(core, "ai/operation/wait", id=id)["operation"]["status"] == "cancelled"


def test_tray_gets_the_core_only_while_no_operation_runs(leaving: Host) -> None:
    core, tray = leaving.caller(), leaving.caller(kind="tray")
    id = begin(core, "up", "lone")
    leaving.until(_waiting_for("lone"))

    told = refused(tray, "owner/yield", {}, "E_BUSY")

    assert "lone" in told["message"]
    assert not leaving.around.given_up.is_set()
    given(core, "ai/operation/cancel", id=id)
    given(core, "ai/operation/wait", id=id)
    given(tray, "owner/yield")
    assert leaving.around.given_up.is_set()
    refused(core, "ai/operation/start", {"kind": "up", "modules": ["lone"]}, "E_BUSY")


def _waiting_for(module: str) -> Callable[[Snapshot], str | None]:
    """Finds the id of the operation that waits for *module*."""

    def find(snapshot: Snapshot) -> str | None:
        for view in snapshot.operations:
            is_ours = view.modules == (module,) and view.status == "running"
            if is_ours and str(view.text).startswith("waiting for "):
                return view.id
        return None

    return find


def test_lines_come_until_the_stream_is_detached(host: Host) -> None:
    core = host.caller()  # which has no other stream
    given(core, "ai/module/clear", name="talk")
    given(core, "ai/module/start", name="talk")

    given(core, "ai/module/logsAttach", name="talk", streamId="mine")
    refused(core, "ai/module/logsAttach", {"name": "talk", "streamId": "mine"}, "E_REQUEST")
    lines = [first(core.log, lambda told: told) for _ in range(3)]
    given(core, "ai/module/logsDetach", streamId="mine")
    end = first(core.log, lambda told: told if told["event"] == "end" else None)

    assert [line["chunk"] for line in lines] == ["line 1", "line 2", "line 3"]
    told = {(it["streamId"], it["event"], it["module"], it["service"]) for it in lines}
    assert told == {("mine", "stdout", "talk", "talk")}
    assert end == {"streamId": "mine", "event": "end"}


def test_the_last_lines_are_given_newest_first(core: DirectCaller) -> None:
    given(core, "ai/module/start", name="talk")

    def three() -> list[Json]:
        entries: list[Json] = given(core, "ai/module/logs", name="talk", tail=3)["entries"]
        return entries if len(entries) == 3 else []

    entries = eventually(three, "three lines")
    numbers = [int(entry["message"].removeprefix("line ")) for entry in entries]
    assert numbers == [numbers[0], numbers[0] - 1, numbers[0] - 2]
    assert {entry["moduleType"] for entry in entries} == {"feature"}
