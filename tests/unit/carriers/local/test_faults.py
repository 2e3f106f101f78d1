"""Clients that do wrong harm neither the host nor other clients."""

import hmac
import json
import struct
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from aiserver_tray.base.errors import NotRunningError, RemoteError, RequestError, SettingError
from aiserver_tray.carriers.local import wire
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import find_key, make_key, socket_address
from aiserver_tray.carriers.local.server import MAX_CALLS, MAX_CLIENTS, Pace, Server
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.hub import MAX_BYTES
from aiserver_tray.protocol.message import VERSION
from aiserver_tray.state.facts import ContainerSeen
from aiserver_tray.system.paths import Home
from aiserver_tray.window.bridge import GOTO
from developer.machine import WINDOWS
from tests.support import made
from tests.support.limits import LIMIT
from tests.support.store_contract import StoreContract
from tests.support.systems import RUNTIME, has_mode, on_unix
from tests.support.waiting import eventually

from .listening import Heard
from .raw import Raw, entered


@pytest.fixture
def key(home: Home, server: Server) -> bytes:
    found = find_key(home)
    assert found
    return found


def test_socket_and_key_are_the_users_alone(home: Home, server: Server) -> None:
    socket, file = Path(socket_address(home)), home.folder / "control.key"
    assert has_mode(socket, 0o600)
    assert has_mode(socket.parent, 0o700)
    assert has_mode(file, 0o600)
    assert make_key(home).hex() == file.read_text()


def test_client_with_a_wrong_key_is_refused(
    home: Home, server: Server, contract: StoreContract, key: bytes
) -> None:
    with Raw(home) as raw:
        answer = raw.hello(bytes(32))
        assert (answer["type"], answer["code"]) == ("refused", "E_REQUEST")
    with Raw(home) as raw:
        raw.receive()
        raw.send({"type": "call", "id": 1, "channel": "echo"})
        assert raw.all() == []
    contract.refusals.clear()
    proofs = (None, 1, "", "\ud800", ["x"])
    for proof in proofs:
        with Raw(home) as raw:
            assert raw.hello(key, proof=proof)["type"] == "refused"
            assert raw.all() == []
    assert [carrier for carrier, _ in contract.refusals] == ["control"] * len(proofs)
    assert all("without the key" in why for _, why in contract.refusals)


def test_the_proof_of_one_connection_is_none_for_another(home: Home, key: bytes) -> None:
    with Raw(home) as one, Raw(home) as other:
        nonce = other.receive()["nonce"]
        assert one.hello(key)["type"] == "proof"
        text = json.dumps(["owner", nonce, "00"]).encode()
        proof = hmac.digest(key, text, "sha256").hex()
        other.send({"type": "hello", "version": VERSION, "nonce": "00", "proof": proof})
        assert other.receive()["type"] == "refused"


def enter(*frames: object) -> None:
    """What a client makes of a host that sends these."""
    host = SimpleNamespace(receive=iter(frames).__next__, send=lambda _frame: None)
    wire.enter(host, bytes(32), "command", "en")  # type: ignore[arg-type]


def test_a_client_does_not_believe_a_host_without_the_key() -> None:
    challenge = {"type": "challenge", "version": VERSION, "nonce": "00"}
    with pytest.raises(RequestError, match="without the key of this home folder"):
        enter(challenge, {"type": "proof", "proof": "00"})
    with pytest.raises(wire.LostError):
        enter([])


def test_another_version_gets_an_error_of_one_short_line_from_either_side(
    home: Home, key: bytes
) -> None:
    with Raw(home) as raw:
        answer = raw.hello(key, version=VERSION + 1, language="zh")
        assert answer["code"] == "E_REQUEST"
        assert "旧版" in answer["message"]
    with pytest.raises(RequestError, match="Quit the older"):
        enter({"type": "challenge", "version": VERSION + 1, "nonce": "00"})
    with Raw(home) as raw:
        answer = raw.hello(key, version="9\n\u202e\x1b[2J" + "x" * 100_000)
    assert "version 9 [2Jxxx" in answer["message"]
    assert len(answer["message"]) < 300


def test_one_client_too_many_is_refused_until_another_leaves(home: Home, server: Server) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Client.connect(home, "command")) for _ in range(MAX_CLIENTS)]
        with pytest.raises(RemoteError, match="is busy") as refused:
            Client.connect(home, "command")
        assert refused.value.code == "E_BUSY"
        assert all(client.call("echo")["success"] for client in clients)
        clients[0].close()
        eventually(lambda: is_admitted(home), "a place for a client")


def is_admitted(home: Home) -> bool:
    try:
        with Client.connect(home, "command") as client:
            return bool(client.call("echo")["success"])
    except RemoteError:
        return False


def test_a_silent_client_holds_up_nobody(
    home: Home, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiserver_tray.carriers.local.server._HANDSHAKE_SECONDS", 10 * LIMIT)
    with Raw(home) as silent, Raw(home) as half:
        half.receive()
        half.half_a_frame()
        with Client.connect(home, "command") as client:
            assert client.call("echo")["success"]
        assert silent.receive()["type"] == "challenge"


def test_a_silent_client_is_disconnected(home: Home, server: Server) -> None:
    begun = time.monotonic()
    with Raw(home) as silent, Raw(home) as half:
        half.receive()
        half.half_a_frame()
        assert silent.receive()["type"] == "challenge"
        assert (silent.receive(), half.receive()) == (None, None)
    assert time.monotonic() - begun > 1.5


def test_silent_connections_do_not_keep_clients_out(home: Home, server: Server) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(Client.connect(home, "command"))
        oldest = stack.enter_context(Raw(home))
        assert oldest.receive()["type"] == "challenge"
        for _ in range(2 * MAX_CLIENTS):
            assert stack.enter_context(Raw(home)).receive()["type"] == "challenge"
        with Client.connect(home, "command") as client:
            assert client.call("echo")["success"]
        assert oldest.receive() is None
        assert first.call("echo")["success"]


def test_stalled_clients_do_not_delay_others(
    home: Home, server: Server, contract: StoreContract
) -> None:
    with entered(home) as half, entered(home) as deaf, Client.connect(home, "command") as client:
        half.half_a_frame()
        deaf.send({"type": "subscribe", "id": 1, "events": [SNAPSHOT.name]})
        heard = Heard(client, SNAPSHOT.name)
        for number in range(300):
            contract.put(ContainerSeen(made.ended(exit_code=number)))
        heard.until(lambda payload: payload == contract.snapshot())
        assert client.call("echo")["success"]


GARBAGE = (b"", b"\xff\xfe", b"{", b"[" * 100_000, b"{} {}", b"9" * 5000)
TOO_LONG = () if WINDOWS else (2**20 + 1, 2**31 - 1, -2)
NO_CALLS: tuple[object, ...] = ([], 1, None, {}, {"id": True}, {"id": [1]}, {"type": "call"})


def test_garbage_ends_the_connection(home: Home, server: Server) -> None:
    with Client.connect(home, "command") as other:
        for garbage in GARBAGE:
            with entered(home) as raw:
                raw.frame(garbage)
                assert raw.all() == [], garbage[:9]
        for size in TOO_LONG:
            with entered(home) as raw:
                raw.raw(struct.pack("!i", size))
                assert raw.all() == [], size
        for frame in NO_CALLS:
            with entered(home) as raw:
                for _ in range(10):
                    raw.send(frame)
                assert raw.all() == [], frame
        assert other.call("echo")["success"]


def test_a_frame_that_is_not_known_is_answered(home: Home, server: Server) -> None:
    call, subscribe = {"id": 1, "type": "call"}, {"id": 1, "type": "subscribe"}
    with entered(home) as raw:
        for frame, field in (
            ({"id": 1}, ""),
            ({"id": "x", "type": "quit"}, ""),
            (call, "call.channel"),
            (call | {"channel": 5}, "call.channel"),
            (call | {"channel": "echo", "more": 1}, "call.more"),
            (subscribe | {"events": ["ai/all"]}, "subscribe.events.0"),
            (subscribe | {"events": [GOTO.name]}, "subscribe.events.0"),
            (subscribe | {"events": [{}]}, "subscribe.events.0"),
        ):
            raw.send(frame)
            answer = raw.receive()
            assert (answer["id"], answer["answer"]["code"]) == (frame["id"], "E_REQUEST")
            assert field in answer["answer"]["data"]["fields"]
        raw.send({"type": "call", "id": 2, "channel": "echo"})
        assert raw.receive()["answer"]["success"]


def test_a_client_that_asks_too_much_at_once_gets_an_error(
    home: Home, server: Server, contract: StoreContract
) -> None:
    with entered(home) as greedy, Client.connect(home, "command") as other:
        for number in range(MAX_CALLS + 1):
            greedy.send({"type": "call", "id": number, "channel": "wait"})
        answer = greedy.receive()
        assert (answer["id"], answer["answer"]["code"]) == (MAX_CALLS, "E_BUSY")
        assert other.call("echo")["success"]
        contract.released.set()
        assert {greedy.receive()["id"] for _ in range(MAX_CALLS)} == set(range(MAX_CALLS))


def test_a_flood_leaves_others_their_turn(home: Home, server: Server) -> None:
    done = threading.Event()
    answers: list[object] = []
    with entered(home) as flood, Client.connect(home, "command") as other:
        content = json.dumps({"type": "call", "id": 1, "channel": "echo"}).encode()
        begun = time.monotonic()

        def pour() -> None:
            while not done.is_set():
                try:
                    flood.frame(content)
                except OSError:
                    return

        def drain() -> None:
            while answer := flood.receive():
                answers.append(answer)

        threads = [threading.Thread(target=work) for work in (pour, drain)]
        for thread in threads:
            thread.start()
        while len(answers) < Pace.BURST + 100:
            assert other.call("echo", timeout=LIMIT)["success"]
        count, seconds = len(answers), time.monotonic() - begun
        done.set()
        flood.sever()
        for thread in threads:
            thread.join()
    assert count <= Pace.BURST + 1 + Pace.PER_SECOND * seconds


def test_the_pace_lets_a_burst_pass_and_then_so_many_a_second() -> None:
    pace = Pace()
    assert [pace.delay(1.0) for _ in range(Pace.BURST)][-1] == 0
    assert pace.delay(1.0) == pytest.approx(1 / Pace.PER_SECOND)
    assert pace.delay(3.0) == 0


def test_client_that_does_not_read_its_events_is_disconnected(
    home: Home, server: Server, contract: StoreContract
) -> None:
    with entered(home) as deaf, Client.connect(home, "command") as other:
        size = 2**20
        # Of these, as much as may wait may be on its way already.
        order = {"count": 2 * (1 + MAX_BYTES // size), "size": size}
        deaf.send({"type": "call", "id": 1, "channel": "emit", "payload": order})
        eventually(lambda: contract.forgotten, "the end of the client")
        assert other.call("echo")["success"]


def test_call_that_still_runs_when_its_client_leaves_is_forgotten(
    home: Home, server: Server, contract: StoreContract
) -> None:
    with entered(home) as hasty:
        hasty.send({"type": "call", "id": 1, "channel": "wait"})
        eventually(lambda: contract.waiting, "the call")
    eventually(lambda: len(contract.forgotten) == 1, "the end of the client")
    contract.released.set()
    eventually(lambda: contract.forgotten == contract.waiting * 2, "the end of the call")


def test_closing_ends_all_threads_whatever_clients_do(home: Home, contract: StoreContract) -> None:
    before = set(threading.enumerate())
    server = Server(home, contract)
    server.start()
    with Raw(home), entered(home) as half, entered(home) as deaf, entered(home) as busy:
        half.half_a_frame()
        order = {"count": 8, "size": 2**20}
        deaf.send({"type": "call", "id": 1, "channel": "emit", "payload": order})
        busy.send({"type": "call", "id": 1, "channel": "echo"})
        assert busy.receive()
        server.close()
        eventually(lambda: set(threading.enumerate()) <= before, "the end of the threads")
        assert busy.all() == []
    assert not Path(socket_address(home)).exists()


def test_pending_events_are_sent_before_the_end(
    home: Home, contract: StoreContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiserver_tray.carriers.local.server._CLOSE_TIMEOUT_SECONDS", LIMIT)
    server = Server(home, contract)
    server.start()
    with entered(home) as raw:
        raw.send(
            {"type": "call", "id": 1, "channel": "emit", "payload": {"count": 4, "size": 2**20}}
        )
        assert raw.receive()["event"]
        frames: SimpleQueue[int] = SimpleQueue()
        reader = threading.Thread(target=lambda: frames.put(len(raw.all())))
        eventually(
            lambda: not any(t.name == "control-call" for t in threading.enumerate()),
            "the end of the call",
        )
        reader.start()
        server.close()
        reader.join()
        assert frames.get() == 4


def test_a_host_without_its_socket_or_an_answer_counts_as_not_running(
    home: Home, contract: StoreContract
) -> None:
    with closing(Server(home, contract)) as server:
        server.start()
        with pytest.raises(NotRunningError):
            Client.connect(home, "command", timeout=0.0)
        if not WINDOWS:
            Path(socket_address(home)).unlink()
            with pytest.raises(NotRunningError):
                Client.connect(home, "command")


@on_unix
def test_a_path_that_is_too_long_is_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(socket_address(home)).parent.parent / ("x" * 100)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv(RUNTIME, str(folder))
    with pytest.raises(SettingError, match="too long for a socket"):
        socket_address(home)
