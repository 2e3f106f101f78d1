"""A module is allowed its permissions by the channel, and by `--trust`."""

from pathlib import Path

import pytest

from aiserver_tray.cli.core import set_setting
from aiserver_tray.core.app import App
from aiserver_tray.features.modules.channels import ModulesFeature
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Peer
from aiserver_tray.settings.entries import TrustedEntry
from tests.support.command_line import CommandLine
from tests.support.places import place
from tests.unit.module_folders import CONNECTABLE, write

CALLER = Caller(Peer("window", "en", lambda _message: None), "en")
FILE = "services: {web: {image: 'i:1', cap_add: [NET_ADMIN]}}\n"


@pytest.fixture
def app(tmp_path: Path) -> App:
    write(tmp_path / "catalog", "web", FILE)
    return App(tmp_path / "home", [tmp_path / "catalog"])


def trust(app: App, **payload: object) -> Envelope:
    asked = {"name": "web", **payload}
    handlers = handlers_of([ModulesFeature(place(app))])
    return dispatch(handlers, "ai/module/trust", asked, CALLER)


@pytest.mark.parametrize("is_seen", [True, False], ids=["the list that was seen", "all of now"])
def test_a_module_is_allowed_what_it_asks_for(app: App, *, is_seen: bool) -> None:
    error = app.target("web").untrusted
    assert error is not None
    payload = {"hash": error.data["remedies"][0]["hash"]} if is_seen else {}
    assert trust(app, **payload)["success"]
    assert app.target("web").untrusted is None
    (entry,) = app.settings.journal.read()
    assert isinstance(entry, TrustedEntry)
    assert (entry.module, entry.actor) == ("web", CALLER.actor)


def test_a_list_that_was_seen_before_allows_nothing_new(app: App, tmp_path: Path) -> None:
    error = app.target("web").untrusted
    assert error is not None
    file = tmp_path / "catalog/web/compose.yaml"
    file.write_text(FILE.replace("NET_ADMIN", "SYS_ADMIN"), encoding="utf-8")
    app.refresh_catalog()
    answer = trust(app, hash=error.data["remedies"][0]["hash"])
    assert trust(app, name="wbe")["code"] == "E_UNKNOWN"
    assert answer["code"] == "E_TRUST"
    (remedy,) = answer["data"]["remedies"]
    assert [one["subject"] for one in remedy["permissions"]] == ["SYS_ADMIN"]
    assert app.target("web").untrusted is not None


@pytest.mark.parametrize("command", ["up", "restart", "pull", "build", "connect", "disconnect"])
def test_the_command_line_allows_it_by_an_option(tmp_path: Path, command: str) -> None:
    write(tmp_path / "catalog", "web", CONNECTABLE + FILE)
    cli = CommandLine(tmp_path / "home", tmp_path / "catalog", f"unix://{tmp_path}/none.sock")
    app = App(tmp_path / "home", [tmp_path / "catalog"])
    set_setting(app, "web.TOKEN", "any-token")  # without it, there is nothing to disconnect
    if command == "up":
        assert cli.run(command, "web", "--trust", "web", "--dry-run").code == 2
        assert app.target("web").untrusted, "a dry run allows nothing"
    assert "E_ENGINE" in cli.run(command, "web", "--trust", "web").errors
    app.refresh_catalog()
    assert app.target("web").untrusted is None
