"""A new feature is a class with its channels and events, and a line in the table: then clients, the
documents and the page's types have them."""

import json
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import TypedDict

import pytest

import generate
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.core.app import App
from aiserver_tray.features.place import Place
from aiserver_tray.owner import features
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import EVENTS, Event, Message
from tests.support.limits import LIMIT
from tests.support.surroundings import Recorded
from tests.unit.owner.owning import owned
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]

SWITCHED = "lamp/switched"


class LampSwitch(Payload):
    """A lamp to switch on."""

    lamp: str = Name
    """as printed on its box"""


class LampJson(TypedDict):
    """A lamp that shines."""

    lamp: str
    brightness: int
    """in lumen"""


class LampsFeature(Feature):
    """``lamp/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @channel("lamp/switch")
    def _switch(self, asked: LampSwitch) -> LampJson:
        """Switch a lamp on."""
        lamp: LampJson = {"lamp": asked.lamp, "brightness": 800}
        self._place.publish(EVENTS[SWITCHED].message(lamp))
        return lamp


@pytest.fixture(autouse=True)
def _lamps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(features.FEATURES, f"{__name__}:{LampsFeature.__name__}", ("lamp/",))
    Event(SWITCHED, LampJson, "A lamp was switched on.", key=lambda lamp: lamp["lamp"])
    yield
    del EVENTS[SWITCHED]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    with owned(App(tmp_path / "home", [], "unix:///nowhere.sock"), Recorded()) as owner:
        yield owner


def test_a_client_has_its_channel_and_its_event(owner: Owner) -> None:
    """With each carrier, `tests/contract` has those of all features."""
    heard: SimpleQueue[Message] = SimpleQueue()
    with Client.connect(owner.api.place.app.home, "command") as client:
        client.subscribe([SWITCHED], heard.put)
        told = client.request("lamp/switch", {"lamp": "hall"})
        assert told == {"lamp": "hall", "brightness": 800}
        assert client.call("lamp/switch", {"bulb": "hall"})["code"] == "E_REQUEST"
        assert json.loads(heard.get(timeout=LIMIT).payload) == told


def test_the_tables_and_the_types_have_its_channel_and_its_event() -> None:
    written = {path.name: text for path, text in generate.outputs().items()}

    fields = "| `lamp/switch` | `lamp` | `lamp`, `brightness` | all | Switch a lamp on. |"
    assert fields in written["ipc.md"].splitlines()
    assert "| `lamp/switch` | `brightness` | number | in lumen |" in written["ipc.md"]
    event = f"| `{SWITCHED}` | `lamp`, `brightness` | A lamp was switched on. |"
    assert event in written["ipc.md"].splitlines()
    types = written["contract.d.ts"]
    assert '"lamp/switch": { request: LampSwitch; answer: Lamp };' in types
    assert f'"{SWITCHED}": Lamp;' in types
    assert "brightness: number;" in types
