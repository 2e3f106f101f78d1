"""The server against clients that stall, flood and talk nonsense."""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from aiserver_tray.carriers.http import httpd
from aiserver_tray.carriers.http.httpd import BODY_BYTES, HEAD_BYTES, Connections, Server
from tests.support.visitor import Visitor
from tests.support.waiting import eventually


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode(), environ["wsgi.input"].read()]


@contextmanager
def serving(places: Connections | None = None, app: Any = echo) -> Iterator[Visitor]:  # noqa: ANN401
    server = Server(("127.0.0.1", 0), connections=places or Connections())
    server.start(app)
    yield Visitor(f"http://127.0.0.1:{server.server_port}/")
    server.close()


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with serving() as visitor:
        yield visitor


def is_cut(connection: socket.socket) -> bool:
    connection.settimeout(20)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_a_request_is_answered_and_no_answer_tells_a_version(visitor: Visitor) -> None:
    assert visitor.get("/hello").body == b"/hello"
    assert visitor.ask("POST", "/", b"x" * 100_000, {}).body == b"/" + b"x" * 100_000
    for version in (b"1.1", b"9.9"):
        with visitor.connect() as connection:
            answer = visitor.answer(connection, b"GET / HTTP/" + version + b"\r\n\r\n")
            assert answer.headers["server"] == "aiserver-tray"


def test_all_clients_that_come_at_once_are_answered() -> None:
    server = Server(("127.0.0.1", 0))
    visitor = Visitor(f"http://127.0.0.1:{server.server_port}/")
    with ExitStack() as opened:
        # Before it accepts the first one: all of them wait in its queue.
        clients = [opened.enter_context(visitor.connect()) for _ in range(120)]
        for number, client in enumerate(clients):
            client.sendall(b"GET /%d HTTP/1.1\r\n\r\n" % number)
        server.start(echo)
        opened.callback(server.close)
        for number, client in enumerate(clients):
            assert visitor.answer(client, b"").body == b"/%d" % number


def test_stalled_clients_keep_no_one_out() -> None:
    with serving(Connections(most=4)) as crowded, ExitStack() as opened:
        stalled = [opened.enter_context(crowded.connect()) for _ in range(12)]
        for connection in stalled:
            connection.sendall(b"GET / HT")
        assert crowded.get("/hello").status == 200
        assert is_cut(stalled[0]), "who has been asking the longest makes way"


def test_a_client_that_never_ends_its_request_is_cut() -> None:
    post = b"POST / HTTP/1.1\r\n"
    with serving(Connections(seconds=0.2)) as hasty:
        for begin in (
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            post,
            post + b"Content-Length: 9\r\n\r\nh",
        ):
            with hasty.connect() as slow:
                slow.sendall(begin)
                assert is_cut(slow)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * HEAD_BYTES + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + 1), 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"nonsense with no sense at all\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else str(value),
)
def test_request_that_is_too_large_or_malformed_is_refused(
    visitor: Visitor, request_: bytes, status: int
) -> None:
    with visitor.connect() as connection:
        answer = visitor.answer(connection, request_)
    assert answer.status == status
    assert answer.json["success"] is False
    assert visitor.get("/").status == 200


def test_a_client_that_goes_away_is_no_news(
    visitor: Visitor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for request in (b"", b"GET", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256))):
        connection = visitor.connect()
        connection.sendall(request)
        connection.close()
    assert visitor.get("/").status == 200
    assert "".join(capfd.readouterr()) == caplog.text == ""


def test_when_it_closes_all_connections_end_and_no_request_holds_that_up() -> None:
    asked, over = Event(), Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        asked.set()
        over.wait()
        return echo(environ, start_response)

    with ExitStack() as opened:
        opened.callback(over.set)
        with serving(app=slow) as visitor:
            idle, waiting = (opened.enter_context(visitor.connect()) for _ in range(2))
            waiting.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert asked.wait(20)
        assert is_cut(idle)
        assert is_cut(waiting)
        with pytest.raises(ConnectionError):
            visitor.connect()


def test_close_answers_running_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpd, "CLOSE_TIMEOUT_SECONDS", 20.0)
    server = Server(("127.0.0.1", 0))
    closing = Thread(target=server.close)

    def last(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        closing.start()
        eventually(lambda: server.socket.fileno() < 0, "the end of the server's socket")
        time.sleep(0.1)
        return echo(environ, start_response)

    server.start(last)
    visitor = Visitor(f"http://127.0.0.1:{server.server_port}/")
    assert visitor.get("/bye").body == b"/bye"
    closing.join()
