"""Activities as clients get them, and how refused clients are counted."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.features.activity import channels
from aiserver_tray.features.activity.channels import ActivityFeature, Refusals
from aiserver_tray.features.activity.events import ACTIVITY
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import CallerKind, Json, Message, Peer
from aiserver_tray.settings.entries import ActivityStep, OperationEntry, RefusedEntry
from aiserver_tray.settings.journal import Journal
from tests.support.surroundings import Recorded

NO_KEY = Text("no key")
STEP = ActivityStep(
    kind="start", subject="ai-web", module="web", service="web", status="done", seconds=1.5
)


def peer(kind: CallerKind, pid: int | None = None) -> Peer:
    return Peer(kind, "en", lambda _message: None, pid)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "home")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    app = App(tmp_path / "home", [], "unix:///nowhere.sock")
    core = app.core()
    yield Api(app, core, Recorded(kind="serve"))
    core.store.close()


def listed(api: Api, **asked: Any) -> list[Json]:  # noqa: ANN401 - JSON
    answer = api.invoke("ai/activity/list", asked, peer("window"))
    assert answer["success"], answer
    return list(answer["data"]["activities"])


def refused_in(journal: Journal) -> list[int]:
    return [entry.count for entry in journal.read() if isinstance(entry, RefusedEntry)]


def test_each_change_names_the_client_that_asked(api: Api) -> None:
    change = {"name": "app.language", "value": "en"}
    assert api.invoke("ai/config/set", change, peer("window", 5))["success"]
    assert api.invoke("ai/config/choose", {"modules": ["n8n"]}, peer("browser"))["success"]
    assert api.invoke("owner/yield", None, peer("tray", 6))["success"]
    assert api.invoke("owner/yield", None, peer("tray", 6))["success"], "asked again"
    handed, chosen, changed = listed(api)
    assert changed["actor"] == {"kind": "window", "pid": 5}
    assert changed["setting"] == {"address": "app.language", "value": "en", "reset": False}
    assert changed["text"] == "app.language was set to en"
    assert chosen["actor"] == {"kind": "browser", "pid": None}
    assert chosen["chosen"] == ["n8n"]
    assert handed["actor"] == {"kind": "tray", "pid": 6}
    assert handed["owner"]["event"] == "handed_over"
    for value in ("n8n", ""):
        change = {"name": "app.logs_not_kept", "value": value}
        assert api.invoke("ai/config/set", change, peer("window"))["success"]
    assert [entry["text"] for entry in listed(api)][:2] == [
        "app.logs_not_kept was cleared",
        "app.logs_not_kept was set to n8n",
    ]


def test_an_operation_names_the_client_that_asked(api: Api) -> None:
    for channel in ("ai/module/stop", "ai/module/clear"):
        api.invoke(channel, {"name": "n8n"}, peer("browser"))
    api.invoke("ai/operation/start", {"kind": "stop", "untilEnd": True}, peer("command", 9))
    found = listed(api, kinds=["operation"])
    told = [(a["actor"], a["operation"]["kind"], a["operation"]["status"]) for a in found]
    assert told == [
        ({"kind": "command", "pid": 9}, "stop", "failed"),
        ({"kind": "browser", "pid": None}, "down", "failed"),
        ({"kind": "browser", "pid": None}, "stop", "failed"),
    ]
    assert found[0]["operation"]["error"]["code"] == "E_ENGINE_DOWN"
    assert found[0]["operation"]["seconds"] >= 0


def test_steps_come_when_asked_for_and_a_kill_is_interrupting(api: Api, journal: Journal) -> None:
    entry = OperationEntry(
        operation="up", modules=("web",), pid=1, status="succeeded", seconds=2.0, steps=(STEP,)
    )
    journal.add(entry)
    (short,) = listed(api)
    (whole,) = listed(api, steps=True)
    assert short["operation"]["steps"] == []
    assert whole["operation"]["steps"] == [asdict(STEP)]
    assert short["text"] == "Start: web"
    earlier = datetime.now(UTC) - timedelta(days=1)
    journal.add(OperationEntry(time=earlier, operation="up", modules=("web",), pid=1_000_000_000))
    (_, found) = listed(api)
    assert found["operation"]["status"] == "interrupted"
    assert found["operation"]["seconds"] is None


def test_a_client_learns_of_new_entries_of_each_process(api: Api, journal: Journal) -> None:
    told: list[Message] = []
    window = Peer("window", "en", told.append)
    api.subscribe(window, [ACTIVITY.name])
    activity = api.place.feature(ActivityFeature)
    activity.start()
    assert api.invoke("ai/config/choose", {"modules": ["n8n"]}, window)["success"]
    foreign = OperationEntry(operation="up", modules=("web",), pid=1)
    journal.add(foreign)  # as another process does
    (found,) = listed(api, id=foreign.id)
    assert found["operation"]["modules"] == ["web"]
    chosen = listed(api, kinds=["chosen"])[0]["id"]
    assert [json.loads(message.payload)["id"] for message in told] == [chosen, foreign.id]
    activity.close()


def test_a_list_has_its_range_and_the_current_count_of_refused_clients(api: Api) -> None:
    assert api.invoke("ai/config/choose", {"modules": ["n8n"]}, peer("window"))["success"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert listed(api, since=later) == []
    assert len(listed(api, until=later)) == 1
    for wrong in ({"limit": 0}, {"since": "2026-11-27T12:00:00"}, {"kinds": ["other"]}):
        assert api.invoke("ai/activity/list", wrong, peer("window"))["code"] == "E_REQUEST"
    for number in range(5):
        api.refused("control", Text("version {version}", version=number))
    (found,) = listed(api, kinds=["refused"])
    assert found["refused"]["count"] == 5
    assert found["refused"]["reason"] == "version 0"
    assert found["actor"] is None
    assert found["text"] == "Refused clients 5 times: version 0"


def test_a_flood_of_refusals_is_told(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    flood = Refusals(journal)
    for _ in range(1000):
        flood.add("control", NO_KEY)
    assert len(journal.path.read_bytes().splitlines()) <= 11
    flood.write()
    flood.write()
    assert refused_in(journal) == [1000]
    assert len(journal.path.read_bytes().splitlines()) <= 12
    flood.add("http", NO_KEY)
    assert sorted(refused_in(journal)) == [1, 1000]
    monkeypatch.setattr(channels, "QUIET_SECONDS", -1.0)
    flood.add("control", NO_KEY)
    assert sorted(refused_in(journal)) == [1, 1, 1000]
