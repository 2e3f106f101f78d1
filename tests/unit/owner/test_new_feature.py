"""A new feature is a class with its channels and events, and a line in the table: then all
carriers, the documents and the page's types have them."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, TypedDict

import pytest

import generate
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.core.app import App
from aiserver_tray.features.events import every_event
from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.owner import features
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import EVENTS, Envelope, Event, Json, Message
from aiserver_tray.system.paths import Home
from aiserver_tray.window.bridge import Bridge
from aiserver_tray.window.owner_connection import OwnerConnection, client
from aiserver_tray.window.publisher import Publisher
from tests.support.surroundings import Recorded
from tests.support.visitor import Listener, Visitor
from tests.unit.owner.owning import LIMIT, owned
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


class Page(NamedTuple):
    """A client over one carrier. ``call``: calls a channel; ``hear``: returns the next events."""

    call: Callable[[str, Json], Envelope]
    hear: Callable[[], list[tuple[str, Json]]]


@contextmanager
def control_channel(owner: Owner) -> Iterator[Page]:
    heard: SimpleQueue[Message] = SimpleQueue()

    def hear() -> list[tuple[str, Json]]:
        message = heard.get(timeout=LIMIT)
        return [(message.event, json.loads(message.payload))]

    with Client.connect(home_of(owner), "command") as client:
        client.subscribe(every_event(), heard.put)
        yield Page(client.call, hear)


@contextmanager
def browser(owner: Owner) -> Iterator[Page]:
    with BrowserServer(owner.api, Binding(), "en") as server:
        visitor = Visitor(server.address)
        visitor.enter()
        with closing(Listener(visitor, "page")) as listener:
            yield Page(
                lambda channel, payload: (
                    visitor.invoke({"channel": channel, "payload": payload, "client": "page"}).json
                ),
                lambda: [listener.hear()],
            )


@contextmanager
def window(owner: Owner) -> Iterator[Page]:
    """Without the window itself: what its page calls, and what runs in the page."""
    scripts: SimpleQueue[str] = SimpleQueue()
    publisher = Publisher(scripts.put)
    connection = OwnerConnection(partial(client, home_of(owner)), every_event(), "en")
    bridge = Bridge(connection, publisher, page="home", pick=lambda _dialog, _name: None)

    def hear() -> list[tuple[str, Json]]:
        script = scripts.get(timeout=LIMIT)
        received = json.loads(script.removeprefix("window.aiserver?.receive(")[:-1])
        return [(event, payload) for event, payload in received]

    publisher.start()
    assert bridge.invoke("ai/ui/ready")["success"]
    connection.start(bridge)
    yield Page(bridge.invoke, hear)


def home_of(owner: Owner) -> Home:
    return owner.api.place.app.home


@pytest.mark.parametrize("carrier", [control_channel, browser, window])
def test_each_carrier_has_its_channel_and_its_event(
    owner: Owner, carrier: Callable[[Owner], AbstractContextManager[Page]]
) -> None:
    with carrier(owner) as page:
        while SNAPSHOT.name not in dict(page.hear()):
            pass
        told = page.call("lamp/switch", {"lamp": "hall"})
        assert told["data"] == {"lamp": "hall", "brightness": 800}
        assert page.call("lamp/switch", {"bulb": "hall"})["code"] == "E_REQUEST"
        heard = page.hear()
        while SWITCHED not in dict(heard):
            heard = page.hear()
        assert dict(heard)[SWITCHED] == told["data"]


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
