"""The access token of a module that no longer uses OneAPI. OneAPI itself is met on a real engine
(``tests/engine/test_connect.py``)."""

from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.features.wiring.wiring import (
    Consumer,
    consumer_of,
    delete_token,
    has_token,
    is_connected,
)
from aiserver_tray.model import State
from aiserver_tray.state.views import EngineView, ModuleView, Snapshot
from tests.support.made import ABLE, STACK_ABLE

LOCAL, ELSEWHERE = "unix:///nowhere.sock", "tcp://192.0.2.1:2376"
STAYS = "Can't delete the access token aiserver-n8n in oneapi: {why}. Delete it there yourself."


def snapshot(oneapi: State) -> Snapshot:
    """OneAPI has a state, and publishes no port."""
    module = ModuleView(
        name="oneapi",
        kind="feature",
        state=oneapi,
        ready=0,
        total=0,
        reason=None,
        orphan=False,
        wanted=False,
        used_by=(),
        open=None,
        services=(),
        abilities=ABLE,
    )
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
