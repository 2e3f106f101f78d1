"""An owner tells of the engine that it talks to, whatever is set by now, and of the change."""

from pathlib import Path

from aiserver_tray.core.app import App
from aiserver_tray.owner.owner import Owner
from tests.lab.place import Place
from tests.support.owning import PEER
from tests.support.surroundings import NoWindows


def test_owner_keeps_its_engine_after_a_changed_setting(lab: Place, tmp_path: Path) -> None:
    app = App(tmp_path / "home", [])
    app.settings.change(app.declared, {"app.engine": lab.host})
    with Owner(app, NoWindows()) as owner:
        app.settings.change(app.declared, {"app.engine": "unix:///other.sock"})
        about = owner.api.invoke("ai/app/about", {}, PEER)["data"]
        assert (about["engine"], about["engineSetting"]) == (lab.host, "unix:///other.sock")
        origin = f"The engine at {lab.host} is set by app.engine."
        change = (
            "The settings now name another engine: unix:///other.sock. "
            "Restart AI-Server Tray to use it."
        )
        assert about["engineOrigin"] == f"{origin} {change}"
        checks = owner.api.invoke("ai/doctor/run", {}, PEER)["data"]["checks"]
        found = {(one["name"], one["grade"]): one["message"] for one in checks}
        assert (found["address", "fact"], found["address", "note"]) == (origin, change)
        assert f"engine at {lab.host} responds" in found["engine", "ok"]
        assert not App(tmp_path / "home", []).is_served_by(about)
        assert App(tmp_path / "home", [], lab.host).is_served_by(about)
