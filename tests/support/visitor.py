"""Requests as a program sends them that is no browser: as it likes."""

import json
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiserver_tray.protocol.message import Event, Json
from tests.support.limits import LIMIT


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
    """Talks to the server at *address*. ``headers`` are sent each time; None leaves one out.
    *timeout*: seconds to wait for an answer."""

    def __init__(self, address: str, timeout: float = LIMIT) -> None:
        parts = urlsplit(address)
        self._timeout = timeout
        assert parts.hostname
        assert parts.port
        self.place = (parts.hostname, parts.port)
        self.host = parts.netloc
        self.token = parse_qs(parts.query).get("token", [""])[0]
        self.page = "/browser/"
        """Where the page is, as is known once one is in."""
        self.headers: dict[str, str | None] = {}

    def enter(self) -> None:
        """Get in, as a browser does with the address that was printed."""
        entry = self.get(f"/?token={self.token}").headers
        self.headers["Cookie"] = entry["set-cookie"].partition(";")[0]
        self.page = entry["location"]

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, b"", headers)

    def invoke(self, call: Any, **headers: str | None) -> Answer:  # noqa: ANN401 - JSON
        body = call if isinstance(call, bytes) else json.dumps(call).encode()
        sent = {"Origin": f"http://{self.host}", **headers}
        return self.ask("POST", f"{self.page}invoke", body, sent)

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str | None]) -> Answer:
        sent: dict[str, str | None] = {"Host": self.host, **self.headers}
        sent["Content-Length"] = str(len(body)) if body else None
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = [f"{name}: {value}" for name, value in sent.items() if value is not None]
        with self.connect() as connection:
            head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
            return self.answer(connection, head.encode() + body)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.place, self._timeout)

    def answer(self, connection: socket.socket, request: bytes) -> Answer:
        """The answer to *request*, which is sent as it is."""
        connection.sendall(request)
        method = request.partition(b" ")[0].decode("latin-1")
        with HTTPResponse(connection, method=method) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())


class Listener:
    """Hears the events of a page that calls itself *client*."""

    def __init__(self, visitor: Visitor, client: str) -> None:
        self._connection = visitor.connect()
        head = [
            f"GET {visitor.page}events?client={client} HTTP/1.1",
            f"Host: {visitor.host}",
            f"Cookie: {visitor.headers['Cookie']}",
        ]
        self._connection.sendall("\r\n".join([*head, "", ""]).encode())
        self._file = self._connection.makefile("rb")

    def next(self, event: Event[Any]) -> Json:
        """The payload of the next *event*."""
        while True:
            name, payload = self.hear()
            if name == event.name:
                return payload

    def hear(self) -> tuple[str, Json]:
        """The next event and its payload.

        Raises:
            EOFError: there is none.
        """
        for line in self._file:
            if line.startswith(b"data: "):
                name, payload = json.loads(line[6:])
                return name, payload
        raise EOFError

    def wait_for_end(self) -> None:
        """Wait until the server has ended the stream."""
        for _ in self._file:
            pass

    def close(self) -> None:
        self._file.close()
        self._connection.close()
