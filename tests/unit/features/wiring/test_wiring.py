"""Which modules can use another one, and the channels by which they do so. OneAPI itself is met on
a real engine (``tests/engine/test_connect.py``)."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.modules import Module, load_module
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.core.targets import missing_values
from aiserver_tray.features.wiring import channels
from aiserver_tray.features.wiring.channels import WiringFeature
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.features.wiring.wiring import (
    Consumer,
    consumer_of,
    delete_token,
    has_token,
    is_connected,
)
from aiserver_tray.model import State
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Peer
from aiserver_tray.state.views import EngineView, Snapshot
from tests.support.made import STACK_ABLE
from tests.support.places import place
from tests.unit.cli.modules import MODULE
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


def test_a_token_is_stored_not_told(app: App, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "working_token", lambda *_: "sk-a-new-token")
    assert ask("connect", module="web")["data"] == {"setting": TOKEN}
    assert app.settings.reveal(app.declared, TOKEN) == "sk-a-new-token"
    assert "sk-a" not in str(list(app.settings.journal.read()))

    def none(*_: Any) -> str:  # noqa: ANN401 - as the function that it stands for
        raise OneApiError(Text("it publishes no port"))

    monkeypatch.setattr(channels, "working_token", none)
    refused = ask("connect", module="web")
    assert refused["message"].endswith("in oneapi: it publishes no port.")
    assert refused["data"]["reason"] == "it publishes no port"
    assert ask("connect", module="plain")["message"] == "plain has no access token to create."


def test_those_that_can_use_another_one_are_listed_and_disconnected(app: App, ask: Ask) -> None:
    app.settings.change(app.declared, {CHOICE: "shared"})
    found = ask("consumers", modules=["web", "plain"])["data"]
    web = {
        "module": "web", "provider": "oneapi", "token": TOKEN, "choice": CHOICE,
        "answer": "shared", "help": "", "hasToken": False, "connected": True,
    }  # fmt: skip
    assert found == {"consumers": [web], "problem": None}
    every = ask("consumers")["data"]["consumers"]
    assert {"web", "n8n"} <= {consumer["module"] for consumer in every}
    assert ask("consumers", modules=["wbe"])["code"] == "E_UNKNOWN"
    app.settings.change(app.declared, {TOKEN: "sk-made-up-token"})
    told = ask("disconnect", module="web")["data"]["notice"]
    assert told.endswith("in oneapi: it publishes no port. Delete it there yourself.")
    declared = {address: app.declared[address] for address in (CHOICE, TOKEN)}
    assert app.settings.known(declared) == {CHOICE: "none"}
    assert ask("disconnect", module="web")["data"]["notice"] is None


LOCAL, ELSEWHERE = "unix:///nowhere.sock", "tcp://192.0.2.1:2376"
STAYS = "Can't delete the access token aiserver-n8n in oneapi: {why}. Delete it there yourself."


def snapshot(oneapi: State) -> Snapshot:
    """OneAPI has a state, and publishes no port."""
    module = replace(MODULE, name="oneapi", state=oneapi, services=())
    return Snapshot(EngineView(running=True), "running", (module,), abilities=STACK_ABLE)


def app_on(home: Path, engine: str, *, models: str = "oneapi", token: str = "") -> App:
    app = App(home, [], engine)
    app.settings.change(app.declared, {"n8n.N8N_MODELS": models})
    if token:
        app.settings.change(app.declared, {"n8n.N8N_ONEAPI_TOKEN": token})
    return app


def consumer(app: App) -> Consumer:
    found = consumer_of(app.catalog.module("n8n"))
    assert found
    return found


@pytest.mark.parametrize(
    ("models", "token", "connected"),
    [("none", "", False), ("oneapi", "", True), ("none", "sk-made-up-token", True)],
)
def test_a_module_is_connected_by_its_choice_or_by_its_token(
    tmp_path: Path, models: str, token: str, *, connected: bool
) -> None:
    app = app_on(tmp_path, LOCAL, models=models, token=token)
    assert is_connected(app, consumer(app)) is connected
    assert has_token(app, consumer(app)) is bool(token)


@pytest.mark.parametrize(
    ("engine", "token", "oneapi", "why"),
    [
        (LOCAL, "", "stopped", None),
        (LOCAL, "", "running", "it publishes no port"),
        (LOCAL, "sk-made-up-token", "stopped", "it publishes no port"),
        (ELSEWHERE, "sk-made-up-token", "stopped", "the engine is on another machine"),
    ],
)
def test_why_a_token_stays_is_reported(
    tmp_path: Path, engine: str, token: str, oneapi: State, why: str | None
) -> None:
    app = app_on(tmp_path, engine, token=token)
    told = delete_token(app, consumer(app), snapshot(oneapi))
    assert (told and told.render()) == (why and STAYS.format(why=why))


CONSUMER = """\
x-aiserver:
  kind: feature
  settings:
    MODELS: {type: choice, default: none, choices: {none: {}, shared: {requires: [oneapi]}}}
    TOKEN: {type: secret, token_of: oneapi}
services:
  s: {image: "busybox:1.37.0", environment: {TOKEN: "${TOKEN}"}}
"""


def module_of(folder: Path, text: str = CONSUMER, name: str = "reader") -> Module:
    (folder / name).mkdir()
    (folder / name / "compose.yaml").write_text(text, encoding="utf-8")
    return load_module(name, folder / name)


def test_token_and_choice_are_found_by_what_they_declare(tmp_path: Path) -> None:
    consumer = consumer_of(module_of(tmp_path))
    assert consumer == Consumer("reader", "oneapi", "reader.TOKEN", "reader.MODELS", "shared")
    without = module_of(tmp_path, CONSUMER.replace(", token_of: oneapi", ""), "without")
    assert consumer_of(without) is None


def test_a_token_without_a_choice_for_it_is_reported_with_its_place(tmp_path: Path) -> None:
    module = module_of(tmp_path, CONSUMER.replace("requires: [oneapi]", "requires: []"))
    with pytest.raises(CatalogError) as raised:
        consumer_of(module)
    (problem,) = raised.value.problems
    assert (problem.place.line, str(problem.text)) == (5, "expected a choice that requires oneapi")


def test_a_long_name_is_cut_to_what_the_provider_takes_and_stays_the_only_one() -> None:
    def token(module: str) -> str:
        return Consumer(module, "oneapi", "", "", "").token_name

    one, other = "customer-support-bot-one", "customer-support-bot-two"
    assert token("m" * 21) == "aiserver-" + "m" * 21
    assert re.fullmatch(r"aiserver-customer-sup-[0-9a-f]{8}", token(one))
    assert len(token(one)) == len(token("m" * 21)) == 30
    assert len({*map(token, (one, other, "customer-support-bot"))}) == 3


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("token_of: oneapi, generate: hex32", "token_of without generate and keep"),
        ("token_of: oneapi, keep: true", "token_of without generate and keep"),
        ("token_of: oneapi, type: text", "only with type secret"),
        ("token_of: postgres", "oneapi"),
    ],
)
def test_a_token_that_no_module_makes_so_is_refused(tmp_path: Path, new: str, said: str) -> None:
    text = CONSUMER.replace("token_of: oneapi", new)
    if "type: text" in new:
        text = text.replace("type: secret, ", "")
    with pytest.raises(CatalogError, match=said):
        module_of(tmp_path, text)


def test_the_token_is_missing_only_where_the_choice_wants_it(tmp_path: Path) -> None:
    module = module_of(tmp_path)
    provider = module_of(tmp_path, "services: {s: {image: 'busybox:1.37.0'}}", "oneapi")
    catalog = Catalog({"reader": module, "oneapi": provider})
    given = {"reader.MODELS": "shared", "reader.TOKEN": "sk-made"}
    assert missing_values(catalog, module, {"reader.MODELS": "none"}) == []
    (error,) = missing_values(catalog, module, {"reader.MODELS": "shared"})
    assert (error.code, error.data["name"]) == ("E_SETTING", "reader.TOKEN")
    assert "aiserver-tray connect reader" in str(error)
    assert missing_values(catalog, module, given) == []
