"""The relay to a server of this computer: who is let in, and what the server gets."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from aiserver_tray.features.models.reach import Reach, understood
from aiserver_tray.features.models.relay import ModelRelay, RelayAccess, is_of_openai, rewritten
from aiserver_tray.features.models.servers import Server
from aiserver_tray.features.models.used import inside

HERE = "127.0.0.1"
TOKEN = "the-token-of-the-relay"
KEY = "the-key-of-the-server"


class _Model(BaseHTTPRequestHandler):
    """Streams back what it got, in two pieces."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        got = {"path": self.path, "headers": dict(self.headers), "body": body.decode()}
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (json.dumps(got).encode(), b"\n"):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is for people."""


@pytest.fixture
def model() -> Iterator[Server]:
    with ThreadingHTTPServer((HERE, 0), _Model) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Server("one", "One", f"http://{HERE}:{server.server_address[1]}/v1")
        server.shutdown()


@dataclass
class Relay:
    """A relay to *server*, and how often it reached it."""

    server: Server

    reached: list[bool] = field(default_factory=list)
    subnets: tuple[str, ...] = ("127.0.0.0/8",)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Its port."""
        access = RelayAccess(lambda: (TOKEN, KEY), lambda: self.subnets, self.reached.append)
        with closing(ModelRelay(HERE, 0, self.server, access)) as relay:
            yield relay.port

    def ask(
        self, path: str = "/v1/chat/completions", token: str | None = TOKEN, **headers: str
    ) -> tuple[int, str]:
        """The status and the body of an answer."""
        given = {"Authorization": f"Bearer {token}"} if token is not None else {}
        with (
            self.opened() as port,
            closing(http.client.HTTPConnection(HERE, port, timeout=60)) as connection,
        ):
            connection.request("POST", path, b"question", {**given, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@pytest.fixture
def relay(model: Server) -> Relay:
    return Relay(model)


def test_the_server_gets_the_question_with_its_own_key_and_name(relay: Relay) -> None:
    status, body = relay.ask(Origin="http://other.example")
    got = json.loads(body)
    assert (status, got["path"], got["body"]) == (200, "/v1/chat/completions", "question")
    assert got["headers"]["Authorization"] == f"Bearer {KEY}"
    assert got["headers"]["Host"] == f"{HERE}:{relay.server.port}"
    assert TOKEN not in body
    assert relay.reached == [True]


def test_an_address_outside_of_the_engines_networks_gets_no_answer_at_all(model: Server) -> None:
    outside = Relay(model, subnets=("10.1.0.0/16", "fd00::/64"))
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        outside.ask()
    assert outside.reached == []


@pytest.mark.parametrize("token", [None, "", "other", f"{TOKEN}x", TOKEN[:-1], f"{TOKEN} x"])
def test_without_the_token_nobody_is_let_in(relay: Relay, token: str | None) -> None:
    status, body = relay.ask(token=token)
    assert (status, relay.reached) == (401, [])
    assert "does not know this API key" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "path", ["/api/delete", "/v1x/models", "/v1/../api/delete", "/", "/v1/%2e%2e/api/pull"]
)
def test_only_the_interface_to_models_is_passed_on(relay: Relay, path: str) -> None:
    assert (relay.ask(path)[0], relay.reached) == (403, [])


def test_a_server_that_is_off_is_told_to_who_asks_and_to_the_owner() -> None:
    with closing(socket.create_server((HERE, 0))) as listener:
        port = listener.getsockname()[1]
        server = Server("one", "One", f"http://{HERE}:{port}/v1")
        access = RelayAccess(lambda: (TOKEN, KEY), tuple, lambda _: None)
        with closing(ModelRelay(HERE, port, server, access)) as relay:
            assert relay.port != port, "the next one, as the server has that"
    off = Relay(server)
    status, body = off.ask()
    assert (status, off.reached) == (502, [False])
    assert json.loads(body)["error"]["message"] == "One is off: nothing answers there."


def test_two_requests_in_a_row_are_two_connections(relay: Relay) -> None:
    """Otherwise the second one could come from who has no token."""
    head = f"POST /v1/x HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n"
    told = b""
    with relay.opened() as port, socket.create_connection((HERE, port), 60) as near:
        near.sendall(head.encode())
        while piece := near.recv(65536):
            told += piece
    assert told.startswith(b"HTTP/1.1 200")


def test_two_keys_in_one_head_are_none() -> None:
    head = b"GET /v1/models HTTP/1.1\r\nHost: a\r\nauthorization: Bearer x\r\nA: b\r\n\r\n"
    server = Server("one", "One", "http://127.0.0.1:9/v1")
    assert is_of_openai(head, server)
    assert rewritten(head, server, "") == (
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:9\r\nConnection: close\r\nA: b\r\n\r\n"
    )


# -- the way of containers -------------------------------------------------------------------------

HOSTS = ["172.17.0.1\thost.docker.internal", "--"]


@pytest.mark.parametrize(
    ("told", "reach"),
    [
        ([*HOSTS, "  HTTP/1.1 401 Unauthorized"], Reach("open", "172.17.0.1")),
        ([*HOSTS, "wget: can't connect to remote host (172.17.0.1): Connection refused"],
         Reach("closed", "172.17.0.1")),
        ([*HOSTS], Reach("silent", "172.17.0.1")),
        ([*HOSTS, "wget: can't connect: No route to host"], Reach("silent", "172.17.0.1")),
        (["--", "wget: bad address 'host.docker.internal'"], Reach("unknown", None)),
        (["--", "wget: unable to resolve host address"], Reach("unknown", None)),
        ([], Reach("silent", None)),
    ],
)  # fmt: skip
def test_what_a_container_says_about_its_way(told: list[str], reach: Reach) -> None:
    assert understood(told) == reach


def test_containers_have_another_name_for_this_computer_only() -> None:
    here = Server("runner", "Runner", "http://127.0.0.1:12434/engines/v1")
    assert inside(here) == "http://host.docker.internal:12434/engines"
    assert inside(here, 12435) == "http://host.docker.internal:12435/engines"
    assert inside(Server("a", "A", "http://192.0.2.7:8000/v1")) == "http://192.0.2.7:8000"
