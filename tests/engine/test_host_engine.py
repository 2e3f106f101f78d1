"""A host tells of the engine that it talks to, whatever is set by now."""

from pathlib import Path

from aiserver_tray.app import App
from aiserver_tray.contract.channels.front import Front
from aiserver_tray.contract.contract import Caller
from aiserver_tray.contract.owner.host import CoreHost
from tests.lab.place import Place
from tests.support.surroundings import NoWindows

CALLER = Caller("en", lambda _event, _payload: None)


def test_what_is_set_later_is_not_what_the_host_talks_to(lab: Place, tmp_path: Path) -> None:
    app = App(tmp_path / "home", [])
    app.settings.set(app.declared, "app.engine", lab.host)
    with CoreHost(app, lambda core: Front(app, core, NoWindows())) as core:
        front = Front(app, core, NoWindows())
        app.settings.set(app.declared, "app.engine", "unix:///other.sock")
        assert App(tmp_path / "home", []).identity["engine"] == "unix:///other.sock"
        assert front.invoke("ai/app/about", {}, CALLER)["data"]["engine"] == lab.host
