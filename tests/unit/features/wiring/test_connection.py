"""The channels by which a module uses another one, and no longer."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.wiring import channels
from aiserver_tray.features.wiring.channels import WiringFeature
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Peer
from aiserver_tray.state.views import EngineView, Snapshot
from tests.support.made import STACK_ABLE
from tests.support.places import place
from tests.unit.module_folders import CONNECTABLE, write

CALLER = Caller(Peer("window", "en", lambda _message: None), "en")
FILE = "services: {web: {image: 'i:1'}}\n"
TOKEN, CHOICE = "web.TOKEN", "web.MODELS"
EMPTY = Snapshot(EngineView(running=True), "running", (), abilities=STACK_ABLE)

Ask = Callable[..., Envelope]


@pytest.fixture
def app(tmp_path: Path) -> App:
    write(tmp_path / "catalog", "web", CONNECTABLE + FILE)
    write(tmp_path / "catalog", "plain", FILE)
    return App(tmp_path / "home", [tmp_path / "catalog"], f"unix://{tmp_path}/none.sock")


@pytest.fixture
def ask(app: App) -> Ask:
    """Ask a channel about modules."""
    store, engine = SimpleNamespace(snapshot=EMPTY), app.engine()
    core = cast("Core", SimpleNamespace(store=store, engine=engine))
    handlers = handlers_of([WiringFeature(place(app, core))])
    return lambda name, **payload: dispatch(handlers, f"ai/module/{name}", payload, CALLER)


def test_the_token_is_stored_and_not_told(
    app: App, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "working_token", lambda *_: "sk-a-new-token")

    assert ask("connect", module="web")["data"] == {"setting": TOKEN}

    assert app.settings.reveal(app.declared, TOKEN) == "sk-a-new-token"
    assert "sk-a" not in str(list(app.settings.journal.read()))


def test_connection_without_a_token_has_a_reason(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> str:  # noqa: ANN401 - as the function that it stands for
        raise OneApiError(Text("it publishes no port"))

    monkeypatch.setattr(channels, "working_token", none)

    refused = ask("connect", module="web")
    assert refused["message"].endswith("in oneapi: it publishes no port.")
    assert refused["data"]["reason"] == "it publishes no port"
    assert ask("connect", module="plain")["message"] == "plain has no access token to create."


def test_those_that_can_use_another_one_are_listed(app: App, ask: Ask) -> None:
    app.settings.change(app.declared, {CHOICE: "shared"})

    found = ask("consumers", modules=["web", "plain"])["data"]

    assert found == {
        "consumers": [
            {
                "module": "web",
                "provider": "oneapi",
                "token": TOKEN,
                "choice": CHOICE,
                "answer": "shared",
                "help": "",
                "hasToken": False,
                "connected": True,
            }
        ],
        "problem": None,
    }
    every = ask("consumers")["data"]["consumers"]
    assert {"web", "n8n"} <= {consumer["module"] for consumer in every}
    assert ask("consumers", modules=["wbe"])["code"] == "E_UNKNOWN"


def test_disconnect_undoes_a_connection(app: App, ask: Ask) -> None:
    app.settings.change(app.declared, {CHOICE: "shared"})
    app.settings.change(app.declared, {TOKEN: "sk-made-up-token"})

    told = ask("disconnect", module="web")["data"]["notice"]

    assert told.endswith("in oneapi: it publishes no port. Delete it there yourself.")
    declared = {address: app.declared[address] for address in (CHOICE, TOKEN)}
    assert app.settings.known(declared) == {CHOICE: "none"}
    assert ask("disconnect", module="web")["data"]["notice"] is None
