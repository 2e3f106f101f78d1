"""Whatever clients send, each request that can be answered is, nothing is a bug, and the owner's
memory stays small."""

import json
import logging
import random
import string
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.carriers.http.httpd import BODY_BYTES
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.model import Carrier
from aiserver_tray.owner.features import every_channel
from aiserver_tray.protocol.channel import Handler, dispatch, read
from aiserver_tray.protocol.message import Caller, Envelope, Json, Peer
from aiserver_tray.system.paths import Home
from aiserver_tray.window.bridge import Bridge
from aiserver_tray.window.owner_connection import OwnerConnection
from tests.support.visitor import Visitor
from tests.unit.carriers.local.raw import entered
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]

REQUESTS = 2000
GROWTH = 48 << 20
"""Bytes that the process may grow by; the clients are in it, too."""
CHANNELS = every_channel()
FIELDS = {
    name: [*channel.reader.json_schema().get("properties", {})]
    for name, channel in CHANNELS.items()
}
VALUES: list[Any] = [
    *(None, True, False, {}, [], "", 0, -1, 1e308, float("nan"), 10**100),
    *("\ud800", "\x00", "\u202e", "n8n", "../..", "1-1", "web.PORT"),
]


class _Reader(Handler):
    """Reads the request, and does nothing: what is behind the edge is not the carriers' matter."""

    def answer(self, payload: object, caller: Caller) -> Json:  # noqa: ARG002
        read(self.channel, payload)
        return {}


class Edge:
    """Keeps `contract.Contract` with all channels."""

    def __init__(self) -> None:
        self._handlers = {name: _Reader(channel, None) for name, channel in CHANNELS.items()}

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401
        return dispatch(self._handlers, channel, payload, Caller(peer, peer.language))

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send nothing."""

    def forget(self, peer: Peer) -> None:
        """Keep nothing."""

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """Note nothing."""


def value(chance: random.Random, depth: int = 3) -> Any:  # noqa: ANN401 - JSON
    """Any JSON, also such as no client should send."""
    match chance.randrange(9 if depth else 7):
        case 0 | 1:
            return chance.choice(VALUES)
        case 2:
            return "".join(chance.choices(string.printable, k=chance.randrange(40)))
        case 3:
            return "é" * chance.choice([1, 1000, 5000])
        case 4 | 5 | 6:
            return chance.randrange(-(10**6), 10**6)
        case 7:
            return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    names = ["name", "modules", "filter", "hash", "id", "\ud800", "kind", "text"]
    return {chance.choice(names): value(chance, depth - 1) for _ in range(chance.randrange(4))}


def call(chance: random.Random) -> Json:
    """A request to a channel, with any payload: mostly of its own fields."""
    name = chance.choice([*CHANNELS])
    payload = value(chance)
    if chance.random() < 0.7:
        payload = {field: value(chance) for field in FIELDS[name] if chance.random() < 0.7}
    return {"channel": name if chance.random() < 0.9 else value(chance), "payload": payload}


def body(chance: random.Random) -> bytes:
    """A request as bytes, which need not be one."""
    match chance.randrange(12):
        case 0:
            return chance.randbytes(chance.randrange(2000))
        case 1:
            return json.dumps(value(chance)).encode()
        case 2:
            return chance.choice([b"", b"[" * 200_000, b'{"a":' * 100_000, b"1" * 100_000, b"NaN"])
    found = call(chance) | chance.choice([{}, {"id": value(chance)}, {"client": "page"}])
    return json.dumps(found).encode()


@contextmanager
def bounded_memory() -> Iterator[None]:
    process = psutil.Process()
    before = process.memory_info().rss
    yield
    growth = process.memory_info().rss - before
    assert growth < GROWTH, f"{growth >> 20} MiB"


@pytest.fixture
def contract(caplog: pytest.LogCaptureFixture) -> Iterator[Edge]:
    """With it, nothing may be logged as a bug."""
    yield Edge()
    bugs = [one.getMessage() for one in caplog.get_records("call") if one.levelno > logging.WARNING]
    assert bugs == []


@pytest.fixture
def home(tmp_path: Path, contract: Edge) -> Iterator[Home]:
    home = Home(tmp_path / "home", "home")
    server = Server(home, contract)
    server.start()
    yield home
    server.close()


@pytest.fixture
def visitor(contract: Edge) -> Iterator[Visitor]:
    with BrowserServer(contract, Binding(), "en") as server:
        visitor = Visitor(server.address, 20.0)
        visitor.enter()
        yield visitor


def test_random_requests_over_http_are_answered(visitor: Visitor) -> None:
    chance = random.Random(1)
    with bounded_memory():
        for _ in range(REQUESTS):
            is_in = chance.random() < 0.8
            answer = visitor.invoke(body(chance), **({} if is_in else {"Cookie": "guessed"}))
            assert answer.status in ({200, 400} if is_in else {401})
            assert answer.json["code"] != "E_RUNTIME"


def test_bodies_of_clients_without_a_login_are_not_kept(visitor: Visitor) -> None:
    head = f"POST {visitor.page}invoke HTTP/1.1\r\nHost: {visitor.host}\r\n"
    head += f"Origin: http://{visitor.host}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    most = b"x" * (BODY_BYTES - 1)
    with ExitStack() as opened, bounded_memory():
        for _ in range(200):
            connection = opened.enter_context(visitor.connect())
            connection.sendall(head.encode() + most)
            assert connection.recv(100).startswith(b"HTTP/1.0 401")


def test_random_requests_over_the_control_channel_are_answered_or_end_it(home: Home) -> None:
    chance = random.Random(2)
    raw = entered(home)
    with bounded_memory():
        for number in range(REQUESTS):
            with suppress(OSError):  # it was disconnected because of what is no call
                if chance.random() < 0.1:
                    raw.frame(body(chance))
                raw.frame(json.dumps({"type": "call", "id": number, **call(chance)}).encode())
            answer = next((one for one in iter(raw.receive, None) if one["id"] == number), None)
            if answer:
                assert answer["answer"]["code"] != "E_RUNTIME"
            else:
                raw.sever()
                raw = entered(home)
    raw.sever()


def test_random_requests_of_the_page_in_the_window_are_answered(home: Home) -> None:
    chance = random.Random(3)
    connection = OwnerConnection(lambda: None, [], "en")  # type: ignore[arg-type, return-value]
    publisher: Any = SimpleNamespace(put=len, begin=int, pause=int, resume=int)
    bridge = Bridge(connection, publisher, page="home", pick=lambda _dialog, _name: None)
    with Client.connect(home, "window") as connection._client, bounded_memory():
        for _ in range(REQUESTS):
            asked = [*call(chance).values()]
            answer = bridge.invoke(*asked[: chance.choice([0, 1, 2, 2, 2, 2, 2])])
            assert answer["code"] != "E_RUNTIME"
