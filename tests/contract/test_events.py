"""Operations, state and logs, as they come over each carrier."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty

import docker
import pytest

from aiserver_tray.contract import LOG_EVENT, PROGRESS_EVENT, SNAPSHOT_EVENT, STATUS_EVENT, Json
from aiserver_tray.control.changes import applied, language_of
from tests.contract.asking import ask, given, refused
from tests.contract.carriers import Carrier
from tests.contract.heard import LIMIT, Payloads, first
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def nothing_runs(carrier: Carrier) -> Iterator[None]:
    yield
    given(carrier, "ai/operation/start", kind="down", untilEnd=True)


def begin(carrier: Carrier, kind: str, *modules: str) -> str:
    begun = given(carrier, "ai/operation/start", kind=kind, modules=modules)
    return str(begun["operationId"])


def states(carrier: Carrier) -> dict[str, str]:
    modules = given(carrier, "ai/snapshot/get")["modules"]
    return {module["name"]: module["state"] for module in modules}


class Mirror:
    """The snapshot as its events tell it, from a whole one on."""

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self._snapshot: Json | None = None

    @property
    def content(self) -> Json:
        """All but its number, which another client's may be ahead of."""
        try:
            while True:
                self._snapshot = applied(self._snapshot, self._payloads.get_nowait())
        except Empty:
            return {**(self._snapshot or {}), "seq": None}


def test_changes_lead_to_what_a_whole_snapshot_shows(carrier: Carrier) -> None:
    mirror = Mirror(carrier.events(SNAPSHOT_EVENT))

    def is_whole() -> bool:
        whole = {**given(carrier, "ai/snapshot/get"), "seq": None}
        assert mirror.content == whole
        return True

    eventually(is_whole, "the same")
    given(carrier, "ai/module/start", name="web")
    assert states(carrier)["web"] == "running"
    eventually(is_whole, "the same")
    given(carrier, "ai/operation/start", kind="stop", untilEnd=True)
    assert states(carrier)["web"] == "stopped"
    eventually(is_whole, "the same")


def test_texts_follow_the_language_that_is_chosen(carrier: Carrier) -> None:
    snapshots = carrier.events(SNAPSHOT_EVENT)
    try:
        given(carrier, "ai/config/set", name="app.language", value="zh")
        told = first(snapshots, lambda told: told if language_of(told) == "zh" else None)
        assert "网页" in [module["title"] for module in told["changes"]["modules"]]
        why = refused(carrier, "ai/module/status", {"name": "wbe"}, "E_UNKNOWN")["message"]
        assert re.search("[一-鿿]", why)
    finally:
        given(carrier, "ai/config/set", name="app.language", value=None)
    first(snapshots, lambda told: language_of(told) == "en")


def test_an_operation_is_answered_at_once_and_tells_how_it_goes_on(carrier: Carrier) -> None:
    progress, statuses = carrier.events(PROGRESS_EVENT), carrier.events(STATUS_EVENT)

    id = begin(carrier, "up", "web")
    operation = first(progress, lambda told: _over(told["operation"], id))
    ended = given(carrier, "ai/operation/wait", id=id)["operation"]
    running = first(statuses, lambda told: _running(told, "web"))

    assert operation["status"] == "succeeded"
    assert (operation["done"], operation["total"]) == (3, 3)
    assert {step["service"] for step in operation["steps"]} >= {"base", "db", "web"}
    assert ended == operation
    assert running["data"]["total"] == 2
    assert ("up", "succeeded") in [
        (it["kind"], it["status"]) for it in given(carrier, "ai/operation/list")["operations"]
    ]


def _over(operation: Json, id: str) -> Json | None:
    is_over = operation["status"] not in ("waiting", "running")
    return operation if operation["id"] == id and is_over else None


def _running(told: Json, name: str) -> Json | None:
    status: Json = told["status"]
    return status if told["name"] == name and status["data"]["running"] else None


def test_until_its_end_is_until_its_end(carrier: Carrier) -> None:
    asked = {"kind": "up", "modules": ["base"], "untilEnd": True}

    given(carrier, "ai/operation/start", **asked)

    assert given(carrier, "ai/module/status", name="base")["status"] == "running"


def test_an_operation_is_cancelled_while_its_beginner_waits(carrier: Carrier) -> None:
    progress = carrier.events(PROGRESS_EVENT)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(ask, carrier, "ai/module/start", {"name": "slow"})
        id = first(progress, _slow_that_waits)
        given(carrier, "ai/operation/cancel", id=id)

        assert answer.result(LIMIT)["code"] == "E_CANCELLED"
    assert given(carrier, "ai/operation/wait", id=id)["operation"]["status"] == "cancelled"


def _slow_that_waits(told: Json) -> str | None:
    operation = told["operation"]
    waits = [s for s in operation["steps"] if (s["kind"], s["status"]) == ("wait", "running")]
    is_ours = operation["modules"] == ["slow"] and operation["status"] == "running"
    return str(operation["id"]) if waits and is_ours else None


def test_what_an_error_knows_comes_with_it(carrier: Carrier) -> None:
    given(carrier, "ai/module/start", name="web")

    told = refused(carrier, "ai/module/stop", {"name": "base"}, "E_IN_USE")

    assert told["data"] == {"module": "base", "users": ["web"]}
    assert "web" in told["message"]
    assert states(carrier)["base"] == "running"


def test_an_engines_error_is_told_and_kept_with_the_operation(
    carrier: Carrier, client: docker.DockerClient
) -> None:
    stranger = client.containers.create("busybox:1.37.0", ["true"], name="ai-talk")
    try:
        told = refused(carrier, "ai/module/start", {"name": "talk"}, "E_NAME_CONFLICT")
    finally:
        stranger.remove()

    (failed,) = [
        it["error"]
        for it in given(carrier, "ai/operation/list")["operations"]
        if it["modules"] == ["talk"] and it["error"]
    ]
    assert {**told, "success": None} == {**failed, "success": None}


def test_lines_come_until_they_are_not_wanted_any_more(carrier: Carrier) -> None:
    given(carrier, "ai/module/start", name="talk")
    log = carrier.events(LOG_EVENT)

    given(carrier, "ai/module/logsAttach", name="talk", streamId="mine")
    refused(carrier, "ai/module/logsAttach", {"name": "talk", "streamId": "mine"}, "E_REQUEST")
    lines = [first(log, lambda told: told) for _ in range(3)]
    given(carrier, "ai/module/logsDetach", streamId="mine")
    end = first(log, lambda told: told if told["event"] == "end" else None)

    assert [line["chunk"] for line in lines] == ["line 1", "line 2", "line 3"]
    told = {(it["streamId"], it["event"], it["module"], it["service"]) for it in lines}
    assert told == {("mine", "stdout", "talk", "talk")}
    assert end == {"streamId": "mine", "event": "end"}


def test_the_last_lines_are_given_newest_first(carrier: Carrier) -> None:
    given(carrier, "ai/module/start", name="talk")

    def three() -> list[Json]:
        entries: list[Json] = given(carrier, "ai/module/logs", name="talk", tail=3)["entries"]
        return entries if len(entries) == 3 else []

    entries = eventually(three, "three lines")
    numbers = [int(entry["message"].removeprefix("line ")) for entry in entries]
    assert numbers == [numbers[0], numbers[0] - 1, numbers[0] - 2]
    assert {entry["moduleType"] for entry in entries} == {"feature"}
