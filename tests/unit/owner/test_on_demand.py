"""Without an owner, a command gets what it asks for, and nothing else is begun."""

import threading
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.carriers.inside import Inside
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.cli.remote import RemoteCore
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.logs.kept import file_of_logs
from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.store.store import LogStore
from aiserver_tray.owner.on_demand import OnDemand
from aiserver_tray.protocol.message import Envelope
from tests.support.limits import LIMIT
from tests.unit.owner.owning import no_thread_is_left


def no_core() -> Core:
    raise SettingError("home", Text("it can't be used"))


def asked(app: App, channel: str, **payload: Any) -> Envelope:  # noqa: ANN401 - JSON
    with OnDemand(app, no_core) as contract, Inside(contract, "command", "en") as client:
        return client.call(channel, payload)


def test_a_channel_that_needs_no_core_gets_none_and_others_say_why_there_is_none(app: App) -> None:
    for channel in ("ai/snapshot/get", "ai/stats/newest", "ai/support/write"):
        told = asked(app, channel)
        assert (told["code"], told["message"]) == ("E_SETTING", "home: it can't be used")
    for channel, payload in (
        *(("ai/activity/list", {}), ("ai/doctor/run", {}), ("ai/module/consumers", {})),
        *(("ai/config/choose", {"modules": ["web"]}), ("ai/config/get", {"name": "app.language"})),
        ("ai/config/set", {"name": "app.language", "value": "zh"}),
        *(("ai/module/trust", {"name": "web"}), ("ai/system/autostart", {})),
    ):
        assert asked(app, channel, **payload)["success"], channel
    for channel in ("ai/nonsense", "ai/config/nonsense"):
        assert asked(app, channel)["code"] == "E_REQUEST"


def test_a_change_is_in_the_state_and_no_thread_is_left(app: App) -> None:
    before = set(threading.enumerate())
    with (
        OnDemand(app, app.core) as contract,
        Inside(contract, "command", "en") as client,
        RemoteCore(client) as core,
    ):
        assert "web" in [module.name for module in core.store.latest.modules]
        client.request("ai/config/choose", {"modules": ["web"]})
        assert core.store.wait_until(lambda state: state.chosen == ("web",), LIMIT)
        names = {thread.name for thread in set(threading.enumerate()) - before}
        assert names.isdisjoint({"sampler", "rules", "kept-logs", "file-refresh", "reviver"})
    assert no_thread_is_left(before)


def test_kept_logs_are_deleted_unless_another_process_keeps_them(app: App) -> None:
    file = file_of_logs(app.home.folder)
    file.parent.mkdir(parents=True)
    store = LogStore(file)
    store.add([Line(1, "web", "web", "stdout", "info", continues=False, text="said")])
    store.close()
    with OnDemand(app, app.core) as contract, Inside(contract, "command", "en") as client:
        (kept,) = client.request("ai/logs/kept")["modules"]
        assert (kept["module"], kept["services"], kept["lines"]) == ("web", ["web"], 1)
        with Instance(app.home):
            assert client.call("ai/logs/delete", {"module": "web"})["code"] == "E_BUSY"
        client.request("ai/logs/delete", {"module": "web"})
        assert client.request("ai/logs/kept")["modules"] == []


def test_a_broken_catalog_keeps_nothing_else_from_working(app: App, tmp_path: Path) -> None:
    (tmp_path / "catalog/broken").mkdir(parents=True)
    (tmp_path / "catalog/broken/compose.yaml").write_text("services: [", encoding="utf-8")
    with OnDemand(app, app.core) as contract, Inside(contract, "command", "en") as client:
        modules = {m["name"]: m for m in client.request("ai/snapshot/get")["modules"]}
        assert modules["web"]["problem"] is None
