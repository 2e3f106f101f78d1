"""What is done to take a connection back. OneAPI itself, and the commands, are met on a real engine
(``tests/engine/test_connect.py``); who does here what is asked for only notes it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.features.wiring.wiring import Consumer, consumer_of, disconnect
from aiserver_tray.model import State
from aiserver_tray.state.views import EngineView, ModuleView, Snapshot
from tests.support.made import ABLE, STACK_ABLE

LOCAL, ELSEWHERE = "unix:///nowhere.sock", "tcp://192.0.2.1:2376"


def module_view(name: str, state: State) -> ModuleView:
    return ModuleView(
        name=name,
        kind="feature",
        state=state,
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


class Noted:
    """Notes what is asked for; modules have the *states*, and none publishes a port."""

    def __init__(self, **states: State) -> None:
        self._states = states
        self.done: list[str] = []

    def snapshot(self) -> Snapshot:
        self.done.append("look")
        modules = tuple(module_view(name, state) for name, state in self._states.items())
        return Snapshot(EngineView(running=True), "running", modules, abilities=STACK_ABLE)

    def up(self, modules: Sequence[str]) -> Snapshot:
        self.done.append(f"up {' '.join(modules)}")
        return Noted(**self._states).snapshot()

    def unset(self, address: str) -> None:
        self.done.append(f"unset {address}")

    def report(self, text: Text) -> None:
        self.done.append(text.render())


def app_on(home: Path, engine: str, *, models: str = "oneapi", token: str = "") -> App:
    app = App(home, [], engine)
    app.settings.set(app.declared, "n8n.N8N_MODELS", models)
    if token:
        app.settings.set(app.declared, "n8n.N8N_ONEAPI_TOKEN", token)
    return app


def consumers(app: App) -> list[Consumer]:
    consumer = consumer_of(app.catalog.module("n8n"))
    assert consumer
    return [consumer]


UNSET = ["unset n8n.N8N_MODELS", "unset n8n.N8N_ONEAPI_TOKEN"]
STAYS = "Can't delete the access token aiserver-n8n in oneapi: {why}. Delete it there yourself."


def test_what_is_not_connected_is_left_alone(tmp_path: Path) -> None:
    app, noted = app_on(tmp_path, LOCAL, models="none"), Noted()
    assert disconnect(app, consumers(app), noted) == []
    assert noted.done == []


def test_without_a_token_no_provider_is_started(tmp_path: Path) -> None:
    app, noted = app_on(tmp_path, LOCAL), Noted(n8n="stopped", oneapi="stopped")
    assert disconnect(app, consumers(app), noted) == consumers(app)
    assert noted.done == ["look", *UNSET]


@pytest.mark.parametrize("state", ["stopped", "running"])
def test_a_provider_is_started_where_a_token_is_to_be_deleted(tmp_path: Path, state: State) -> None:
    app = app_on(tmp_path, LOCAL, token="sk-made-up-token")
    noted = Noted(n8n="running", oneapi=state)
    disconnect(app, consumers(app), noted)
    started = ["Starting oneapi to delete an access token there.", "up oneapi"]
    stays = STAYS.format(why="it publishes no port")
    expected = [*(started if state == "stopped" else []), stays, *UNSET, "up n8n"]
    assert noted.done == ["look", *expected]


def test_on_another_machine_the_token_stays_and_that_is_reported(tmp_path: Path) -> None:
    app = app_on(tmp_path, ELSEWHERE, token="sk-made-up-token")
    noted = Noted(n8n="stopped", oneapi="stopped")
    disconnect(app, consumers(app), noted)
    assert noted.done == ["look", STAYS.format(why="the engine is on another machine"), *UNSET]
