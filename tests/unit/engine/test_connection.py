"""Where a connection looks for its engine. Its requests are tested on a real one."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from docker.constants import DEFAULT_DOCKER_API_VERSION
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.client import NEWEST, Client
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.sockets import connect
from tests.support.limits import LIMIT
from tests.support.standin_engine import standin

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="Unix sockets")


class _Engine(BaseHTTPRequestHandler):
    """A fake engine that knows its version and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "local"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Address]:
    path = tmp_path / "engine.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), _Engine) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield Address(f"unix://{path}", "local", {})
        server.shutdown()


def test_we_speak_the_newest_version_of_the_api_that_the_sdk_speaks() -> None:
    assert NEWEST == DEFAULT_DOCKER_API_VERSION


def test_an_engine_that_gives_each_answer_another_id_has_one_of_its_own(tmp_path: Path) -> None:
    with standin(tmp_path, lambda asked, _body: asked.say({})) as host:
        ids = []
        for _ in range(2):
            with closing(Engine(host)) as one:
                ids.append(one.info().id)
    assert ids == ["podman:machine:/"] * 2


def test_an_engine_is_looked_for_until_one_has_answered(
    engine: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dockerd").touch(0o700)  # this machine may have none
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = Address(f"unix://{tmp_path}/gone.sock", "--engine", {})
    found = absent
    with closing(Connection(lambda: found)) as connection:
        with pytest.raises(EngineDownError):
            connection.call("GET", "/_ping")
        found = engine
        assert connection.call("GET", "/_ping") == b"OK"
        found = absent
        Path(engine.host.removeprefix("unix://")).unlink()
        for _ in range(2):
            with pytest.raises(EngineDownError, match=r"engine\.sock does not respond"):
                connection.call("GET", "/missing")
        assert connection.address == engine


def test_it_closes_while_an_engine_lets_it_wait(tmp_path: Path) -> None:
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        connection = Connection(lambda: Address(f"unix://{path}", "local", {}))
        asking = threading.Thread(target=_asks_in_vain, args=(connection,))
        asking.start()
        asked, _ = silent.accept()
        assert asked.recv(1)
        ending = threading.Thread(target=connection.close)
        ending.start()
        ending.join(LIMIT)
        was_closed = not ending.is_alive()
        asked.close()
    asking.join()
    ending.join()
    assert was_closed


def _asks_in_vain(connection: Connection) -> None:
    with pytest.raises(EngineDownError):
        connection.call("GET", "/_ping")


def test_a_connection_to_another_machine_is_tested_while_nothing_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address(f"tcp://127.0.0.1:{server.getsockname()[1]}", "--engine", {})
        client = Client(address, NEWEST)
        connected = client.connected()
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 15
        connected.close()
        client.close()


class _PipeError(Exception):
    """As pywin32 raises it."""

    winerror = 232


class _Pipe:
    """Instead of a Windows pipe: its other side answers, and closes it."""

    def __init__(self) -> None:
        self._own, self._other = socket.socketpair()

    def sendall(self, _: bytes) -> None:
        self._other.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\ndisk full")
        self._other.close()
        raise _PipeError

    def __getattr__(self, name: str) -> object:
        return getattr(self._own, name)


class _PipeConnection(HTTPConnection):
    def connect(self) -> None:
        self.sock = _Pipe()


class _PipePool(HTTPConnectionPool):
    ConnectionCls = _PipeConnection


def test_the_answer_of_an_engine_that_closes_a_pipe_in_the_middle_of_a_request_is_read() -> None:
    with _PipePool("localhost") as pool:
        connect(pool, 1)
        answer = pool.urlopen("PUT", "/", body=iter([b"piece"]), retries=False)
        assert (answer.status, answer.data) == (500, b"disk full")
