"""An API over a database, for stand-ins whose answers depend on what they were told before."""

import abc
import contextlib
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class; pymysql's is alike

Connect = Callable[[], Any]
Json = dict[str, Any]


class Request(NamedTuple):
    """One request. ``headers``: found in any spelling; ``client``: the address it came from."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes
    client: str

    @property
    def json(self) -> Json:
        """Its body; empty where it is none."""
        with contextlib.suppress(ValueError):
            value = json.loads(self.body)
            return value if isinstance(value, dict) else {}
        return {}


class Answer(NamedTuple):
    """Status, JSON and further headers. No JSON: no body, or that of ``stream``, as it comes."""

    status: int
    json: Json | None
    headers: Mapping[str, str | tuple[str, ...]] = {}
    stream: HTTPResponse | None = None


Route = tuple[str, str, Callable[..., Answer]]
"""Method, path (a regular expression) and what answers: with a cursor, the request and the groups
of the path."""


class Api(abc.ABC):
    """What answers the paths of `routes`; *connect* opens its database, which gets its *tables*."""

    def __init__(self, connect: Connect, tables: str) -> None:
        self.connect = connect
        with self.cursor() as cursor:
            for statement in tables.split(";"):
                cursor.execute(statement)

    @abc.abstractmethod
    def routes(self) -> list[Route]:
        """What it answers."""

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A cursor; what it did is stored when the block ends without an exception."""
        connection = self.connect()
        try:
            yield connection.cursor()
            connection.commit()
        finally:
            connection.close()

    def answered(self, asked: BaseHTTPRequestHandler) -> bool:
        """Whether the request is to one of its paths, and so has its answer."""
        path, _, query = asked.path.partition("?")
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        parameters = dict(urllib.parse.parse_qsl(query))
        client = asked.client_address[0]
        answer = self.answer(Request(asked.command, path, parameters, asked.headers, body, client))
        if answer is None:
            return False
        if answer.stream:
            pass_on(answer.stream, asked)
            return True
        content = b"" if answer.json is None else json.dumps(answer.json).encode()
        asked.send_response(answer.status)
        asked.send_header("Content-Type", "application/json")
        asked.send_header("Content-Length", str(len(content)))
        for name, values in answer.headers.items():
            for value in (values,) if isinstance(values, str) else values:
                asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(content)
        return True

    def answer(self, request: Request) -> Answer | None:
        """The answer; None to what is none of its paths."""
        for method, path, handle in self.routes():
            found = re.fullmatch(path, request.path)
            if found and method == request.method:
                with self.cursor() as cursor:
                    return handle(cursor, request, *found.groups())
        return None


def pass_on(stream: HTTPResponse, asked: BaseHTTPRequestHandler) -> None:
    """Answers with what comes on *stream*, when it comes."""
    with stream:
        asked.send_response(stream.status)
        kind = stream.headers.get("Content-Type", "application/json")
        asked.send_header("Content-Type", kind)
        asked.send_header("Connection", "close")
        asked.end_headers()
        while piece := stream.read1(65536):
            asked.wfile.write(piece)
            asked.wfile.flush()
