"""Whole ways: from a client, over each carrier, through a real core to the lab's engine."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from aiserver_tray.features.logs.events import FOLLOWED, LOG, LOG_EXPORT
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack.events import PROGRESS
from aiserver_tray.protocol.message import Json
from tests.contract.asking import begin, given, refused, states
from tests.contract.carriers import Carrier
from tests.contract.heard import first
from tests.contract.host import Host
from tests.contract.tray import Tray
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def clients(tray: Tray, host: Host) -> Iterator[Mapping[str, Carrier]]:
    with tray.clients(host.owner.api) as found:
        yield found


@pytest.mark.smoke
def test_the_events_of_a_start_lead_to_the_whole_snapshot(carrier: Carrier) -> None:
    progress, statuses = carrier.heard.events(PROGRESS), carrier.heard.events(STATUS)
    given(carrier, "ai/operation/start", kind="stop", untilEnd=True)
    eventually(lambda: _is_whole(carrier), "the same")

    id = begin(carrier, "up", "web")
    operation = first(progress, lambda told: _over(told["operation"], id))
    running = first(statuses, lambda told: _running(told, "web"))

    assert operation["status"] == "succeeded"
    assert (operation["done"], operation["total"]) == (3, 3)
    assert {step["service"] for step in operation["steps"]} >= {"base", "db", "web"}
    assert given(carrier, "ai/operation/wait", id=id)["operation"] == operation
    assert running["data"]["total"] == 2
    assert states(carrier)["web"] == "running"
    eventually(lambda: _is_whole(carrier), "the same")
    given(carrier, "ai/operation/start", kind="stop", untilEnd=True)
    assert states(carrier)["web"] == "stopped"
    eventually(lambda: _is_whole(carrier), "the same")


def _over(operation: Json, id: str) -> Json | None:
    has_ended = operation["status"] not in ("waiting", "running")
    return operation if operation["id"] == id and has_ended else None


def _running(told: Json, name: str) -> Json | None:
    status: Json = told["status"]
    return status if told["name"] == name and status["data"]["running"] else None


def _is_whole(carrier: Carrier) -> bool:
    """Whether the last snapshot that was sent is the core's."""
    found = given(carrier, "ai/snapshot/get")
    assert carrier.heard.snapshot == found
    assert "网页" in [module["title"] for module in found["modules"]]
    return True


def test_an_error_of_the_engine_is_shown_and_kept_with_the_operation(
    carrier: Carrier, client: docker.DockerClient
) -> None:
    given(carrier, "ai/module/clear", name="talk")
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


def test_lines_of_a_service_come_until_the_stream_is_detached(carrier: Carrier) -> None:
    given(carrier, "ai/module/start", name="talk")
    log = carrier.heard.events(LOG)

    given(carrier, "ai/module/logsAttach", name="talk", streamId="mine")
    lines = [first(log, lambda told: told) for _ in range(3)]
    given(carrier, "ai/module/logsDetach", streamId="mine")
    end = first(log, lambda told: told if told["event"] == "end" else None)

    numbers = [int(line["chunk"].removeprefix("line ")) for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert {(it["streamId"], it["module"], it["service"]) for it in lines} == {
        ("mine", "talk", "talk")
    }
    assert end == {"streamId": "mine", "event": "end"}


def test_kept_lines_come_once_and_can_be_exported(carrier: Carrier) -> None:
    given(carrier, "ai/module/start", name="talk")
    followed, exports = carrier.heard.events(FOLLOWED), carrier.heard.events(LOG_EXPORT)
    of_talk = {"modules": ["talk"]}

    until = given(carrier, "ai/logs/follow", streamId="kept", filter=of_talk)["keptUntil"]
    live: list[Json] = []
    while len(live) < 3:
        live += first(followed, lambda told: told)["lines"]
    given(carrier, "ai/logs/unfollow", streamId="kept")
    every = _kept(carrier, filter=of_talk)
    earlier = _kept(carrier, filter=of_talk, keptUntil=until)

    begin = live[0]["time"]
    export = {"filter": {**of_talk, "since": begin - 0.001}, "format": "text"}
    id = given(carrier, "ai/logs/export", **export)["exportId"]
    ended = first(exports, lambda told: told if _has_ended(told, id) else None)
    given(carrier, "ai/module/stop", name="talk", wait=True)

    assert [line for line in every if line not in earlier][: len(live)] == live
    assert ended["status"] == "succeeded"
    written = Path(ended["file"]).read_text(encoding="utf-8").splitlines()
    assert len(written) == ended["lines"]
    assert written[: len(live)] == [f"{line['timestamp']} talk | {line['text']}" for line in live]


def _kept(carrier: Carrier, **asked: object) -> list[Json]:
    """All kept lines, the oldest first. An answer has those that can be read in a limited time."""
    page = given(carrier, "ai/logs/lines", after="", limit=1000, **asked)
    lines: list[Json] = page["lines"]
    while not page["isEnd"]:
        page = given(carrier, "ai/logs/lines", after=page["reached"], limit=1000, **asked)
        lines += page["lines"]
    return lines


def _has_ended(export: Json, id: str) -> bool:
    return bool(export["exportId"] == id and export["status"] != "running")
