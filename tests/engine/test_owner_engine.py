"""An owner tells of the engine that it talks to, and opens its core again for another one."""

import json
from dataclasses import replace
from pathlib import Path

from aiserver_tray.core.app import App
from aiserver_tray.owner.owner import Owner
from aiserver_tray.state.facts import OperationChanged
from aiserver_tray.state.views import OperationView
from aiserver_tray.system.engine_place import USUAL_ENGINE
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.limits import LIMIT
from tests.support.owning import PEER
from tests.support.surroundings import Recorded


def test_owner_tells_of_another_engine_and_opens_it_once_it_is_idle(
    lab: Place, tmp_path: Path
) -> None:
    app = App(tmp_path / "home", [])
    app.settings.change(app.declared, {"app.engine": lab.host})
    with Owner(app, process := Recorded()) as owner:
        owner.core.store.wait_until(lambda state: state.engine.running, 60)
        busy = OperationView("1", "up", ("web",), status="running")
        owner.core.store.put(OperationChanged(busy))
        owner.core.store.flush()
        app.settings.change(app.declared, {"app.engine": "unix:///other.sock"})
        about = owner.api.invoke("ai/app/about", {}, PEER)["data"]
        assert (about["engine"], about["engineSetting"]) == (lab.host, "unix:///other.sock")
        origin = f"The engine at {lab.host} is set by app.engine."
        change = (
            "The settings now name another engine: unix:///other.sock. "
            "It is used once the running operation has ended."
        )
        assert about["engineOrigin"] == f"{origin} {change}"
        checks = owner.api.invoke("ai/doctor/run", {}, PEER)["data"]["checks"]
        found = {(one["name"], one["grade"]): one["message"] for one in checks}
        assert (found["address", "fact"], found["address", "note"]) == (origin, change)
        assert f"engine at {lab.host} responds" in found["engine", "ok"]
        assert not App(tmp_path / "home", []).is_served_by(about)
        assert App(tmp_path / "home", [], lab.host).is_served_by(about)
        assert not process.restarted.is_set()
        owner.core.store.put(OperationChanged(replace(busy, status="succeeded")))
        assert process.restarted.wait(LIMIT)


def test_engine_has_a_name_that_every_command_takes(lab: Place, tmp_path: Path) -> None:
    # Beside the home: a change of its files would be one of the catalog.
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    cli = CommandLine(tmp_path / "home", catalog, "local")
    bare = CommandLine(tmp_path / "home", catalog, "")
    bare.run("engine", "add", "local", lab.host).succeeded()
    added = bare.run("engine", "add", "other", "unix:///other.sock", "--json").succeeded().output
    assert json.loads(added)[1:] == [
        {"name": "local", "address": lab.host, "inUse": False},
        {"name": "other", "address": "unix:///other.sock", "inUse": False},
    ]
    assert cli.status()["engine"]["running"]
    with Owner(App(tmp_path / "home", [catalog], lab.host), Recorded()) as owner:
        about = owner.api.invoke("ai/app/about", {}, PEER)["data"]
        assert App(tmp_path / "home", [catalog], "local").is_served_by(about)
        seen = owner.core.store.wait_until(lambda state: state.engine.running, 60)
        assert str(seen.engine.name) == "local"
    used = json.loads(bare.run("engine", "use", "other", "--json").succeeded().output)
    listed = json.loads(bare.run("engine", "list", "--json").succeeded().output)
    assert used == listed
    assert listed[1:] == [
        {"name": "local", "address": lab.host, "inUse": False},
        {"name": "other", "address": "unix:///other.sock", "inUse": True},
    ]
    assert "other * unix:///other.sock" in " ".join(bare.run("engine", "list").output.split())
    assert not bare.status()["engine"]["running"]
    left = json.loads(bare.run("engine", "remove", "local", "--json").succeeded().output)
    assert [one["name"] for one in left] == [USUAL_ENGINE, "other"]
    assert "no engine has the name 'local'" in cli.run("status").errors
    assert "other" in cli.run("engine", "list").succeeded().output
    assert "ADDRESS" in bare.run("engine", "find").succeeded().output
    assert "engines" in json.loads(bare.run("engine", "find", "--json").succeeded().output)
    bare.run("engine", "use", "default").succeeded()
    assert bare.run("config", "get", "app.engine").output.strip() == ""
