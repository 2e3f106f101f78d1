"""The client of OneAPI's API, where its answers are not those of the newest editions. Answers come
from a server of this process; what the editions themselves do is tested with their stand-ins."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from aiserver_tray.features.wiring.oneapi import OneApi, OneApiError

YES: dict[str, Any] = {"success": True, "message": "", "data": {"id": 7}}


class Reply(NamedTuple):
    """Status, body and further headers."""

    status: int
    body: str
    headers: dict[str, str] = {}  # noqa: RUF012 - a tuple's default, which nobody changes


class Server(ThreadingHTTPServer):
    """Answers each ``METHOD /path`` by the reply set for it, and keeps who asked with what."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.seen: dict[str, dict[str, str]] = {}
        super().__init__(("127.0.0.1", 0), self._handler())

    def say(self, what: str, status: int, body: object, **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.replies[what] = Reply(status, text, headers)

    def client(self) -> OneApi:
        return OneApi("127.0.0.1", self.server_port, "password-of-root")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                what = f"{self.command} {self.path.partition('?')[0]}"
                server.seen[what] = dict(self.headers)
                reply = server.replies[what]
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(reply.body.encode())

            do_POST = do_DELETE = do_GET  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield server
        finally:
            server.shutdown()


def test_session_cookie_is_sent_with_the_number_of_the_user(server: Server) -> None:
    server.say("POST /api/user/login", 200, YES, Set_Cookie="session=abc; Path=/; HttpOnly")
    found = [{"id": 1, "user_id": 7, "name": "aiserver-n8n", "key": "k" * 48}]
    server.say("GET /api/token/search", 200, {"success": True, "data": found})
    assert server.client().key("aiserver-n8n") == "sk-" + "k" * 48
    headers = server.seen["GET /api/token/search"]
    assert headers["Cookie"] == "session=abc"
    assert headers["New-Api-User"] == "7"


@pytest.mark.parametrize(("name", "user"), [("aiserver-n8n-old", 7), ("aiserver-n8n", 8)])
def test_a_token_of_another_name_or_user_is_not_ours(server: Server, name: str, user: int) -> None:
    server.say("POST /api/user/login", 200, YES)
    found = [{"id": 1, "user_id": user, "name": name, "key": "k"}]
    server.say("GET /api/token/search", 200, {"success": True, "data": found})
    client = server.client()
    assert client.key("aiserver-n8n") is None
    client.remove("aiserver-n8n")
    assert not [what for what in server.seen if what.startswith("DELETE")]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(200, '{"success": false, "message": "no"}'), "root can't log in: no"),
        (Reply(429, ""), "too many requests; it accepts new ones in 20 minutes"),
        (Reply(502, "<html>"), "not valid (status 502)"),
        (Reply(200, "[]"), "not valid (status 200)"),
        (Reply(200, '{"success": true, "data": {"require_2fa": true}}'), "two-factor authentic"),
    ],
)
def test_a_log_in_that_fails_says_why(server: Server, reply: Reply, why: str) -> None:
    server.replies["POST /api/user/login"] = reply
    with pytest.raises(OneApiError) as raised:
        server.client()
    assert why in str(raised.value)
    assert "password-of-root" not in str(raised.value)


def test_request_that_the_server_does_not_fulfil_is_reported(server: Server) -> None:
    server.say("POST /api/user/login", 200, YES)
    server.say("GET /api/token/search", 200, {"success": True, "data": None})
    server.say("POST /api/token/", 200, {"success": True})
    server.say("GET /v1/models", 503, "")
    client = server.client()
    with pytest.raises(OneApiError, match="it did not create a token"):
        client.make("aiserver-n8n")
    with pytest.raises(OneApiError, match="status 503"):
        client.takes("sk-key")
    server.server_close()
    server.shutdown()
    with pytest.raises(OneApiError, match="it does not respond"):
        client.takes("sk-key")


@pytest.mark.parametrize(("status", "taken"), [(200, True), (401, False), (403, False)])
def test_whether_a_key_works_is_asked_with_it(server: Server, status: int, *, taken: bool) -> None:
    server.say("POST /api/user/login", 200, YES)
    server.say("GET /v1/models", status, "{}")
    assert server.client().takes("sk-key") is taken
    assert server.seen["GET /v1/models"]["Authorization"] == "Bearer sk-key"
