"""A module gets an access token of another one by the channel."""

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
from tests.support.places import place
from tests.unit.module_folders import CONNECTABLE, write

CALLER = Caller(Peer("window", "en", lambda _message: None), "en")
FILE = "services: {web: {image: 'i:1'}}\n"
TOKEN = "web.TOKEN"


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[str], tuple[Envelope, App]]:
    """Ask for the token of a module; the answer, and the installation."""
    write(tmp_path / "catalog", "web", CONNECTABLE + FILE)
    write(tmp_path / "catalog", "plain", FILE)
    app = App(tmp_path / "home", [tmp_path / "catalog"])
    core = cast("Core", SimpleNamespace(store=SimpleNamespace(snapshot=None)))
    handlers = handlers_of([WiringFeature(place(app, core))])
    return lambda name: (dispatch(handlers, "ai/module/connect", {"module": name}, CALLER), app)


def test_the_token_is_stored_and_not_told(
    connect: Callable[[str], tuple[Envelope, App]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "working_token", lambda *_: "sk-a-new-token")

    answered, app = connect("web")

    assert answered["data"] == {"setting": TOKEN}
    assert app.settings.reveal(app.declared, TOKEN) == "sk-a-new-token"
    assert "sk-a" not in str(list(app.settings.journal.read()))


def test_the_reason_is_told_where_there_is_no_token(
    connect: Callable[[str], tuple[Envelope, App]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> str:  # noqa: ANN401 - as the function that it stands for
        raise OneApiError(Text("it publishes no port"))

    monkeypatch.setattr(channels, "working_token", none)

    assert connect("web")[0]["message"].endswith("in oneapi: it publishes no port.")
    assert connect("plain")[0]["message"] == "plain has no access token to create."
