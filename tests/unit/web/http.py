"""Requests as a program sends them that is no browser: as it likes."""

import json
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiserver_tray.contract import Json


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))


class Visitor:
    """Talks to the server at *address*. ``headers`` are sent each time; None leaves one out."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname
        assert parts.port
        self.place = (parts.hostname, parts.port)
        self.host = parts.netloc
        self.token = parse_qs(parts.query).get("token", [""])[0]
        self.headers: dict[str, str | None] = {}

    def enter(self) -> None:
        """Get in, as a browser does with the address that was printed."""
        cookie = self.get(f"/?token={self.token}").headers["set-cookie"]
        self.headers["Cookie"] = cookie.partition(";")[0]

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, b"", headers)

    def invoke(self, call: Any, **headers: str | None) -> Answer:  # noqa: ANN401 - JSON
        body = call if isinstance(call, bytes) else json.dumps(call).encode()
        sent = {"Origin": f"http://{self.host}", **headers}
        return self.ask("POST", "/browser/invoke", body, sent)

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str | None]) -> Answer:
        sent: dict[str, str | None] = {"Host": self.host, **self.headers}
        sent["Content-Length"] = str(len(body)) if body else None
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = [f"{name}: {value}" for name, value in sent.items() if value is not None]
        with self.connect() as connection:
            head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
            return self.answer(connection, head.encode() + body)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.place, 20)

    def answer(self, connection: socket.socket, request: bytes) -> Answer:
        """The answer to *request*, which is sent as it is."""
        connection.sendall(request)
        response = HTTPResponse(connection, method=request.partition(b" ")[0].decode("latin-1"))
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, headers, response.read())
        response.close()
        return answer
