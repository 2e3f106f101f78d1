"""Connections of requests whose answers arrive bit by bit. None stays open after what goes wrong at
its start: it would be left to Python's collector of garbage."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.containers import Containers
from aiserver_tray.engine.execution import Execution
from aiserver_tray.engine.stream import Stream
from tests.support.standin_engine import Asked, needs_unix_sockets, standin
from tests.support.waiting import eventually

pytestmark = needs_unix_sockets


@contextmanager
def closing_all(folder: Path, answer: Callable[[Asked, bytes], None]) -> Iterator[Connection]:
    """A connection to an engine that gives *answer*. At the end, the engine has none left."""
    with standin(folder, answer) as host:
        address = Address(host, "local", {})
        connection = Connection(lambda: address)
        try:
            yield connection
        finally:
            connection.close()
        path = host.removeprefix("unix://")
        eventually(lambda: connected(path) == 0, "the end of all connections")


def connected(path: str) -> int:
    """How many connections there are at the socket *path*, besides that which listens."""
    return Path("/proc/net/unix").read_text().count(f" {path}\n") - 1


def gone_after(asked: Asked, begins: str) -> None:
    """Answer what *begins* something, and know nothing of its container afterwards."""
    if asked.path.partition("?")[0].endswith(begins):
        asked.say({"Id": "1"})
    else:
        asked.say({"message": "no such container"}, 404)


def test_a_log_whose_container_disappears_leaves_no_connection(tmp_path: Path) -> None:
    def answer(asked: Asked, _body: bytes) -> None:
        gone_after(asked, "/logs")

    with closing_all(tmp_path, answer) as connection, pytest.raises(ObjectNotFoundError) as told:
        Containers(connection).logs("web")
    assert told.value.code


def test_a_command_whose_container_disappears_leaves_no_connection(tmp_path: Path) -> None:
    def answer(asked: Asked, _body: bytes) -> None:
        gone_after(asked, "/start" if "/exec/" in asked.path else "/exec")

    with closing_all(tmp_path, answer) as connection:
        execution = Execution(connection, "web", {"Cmd": ["true"]})
        with pytest.raises(ObjectNotFoundError) as told:
            execution.start(60)
    assert told.value.code


def test_a_stream_that_is_closed_before_its_answer_leaves_no_connection(tmp_path: Path) -> None:
    opened: list[Stream] = []

    def answer(asked: Asked, _body: bytes) -> None:
        # As `close` of another thread, when the answer has come but `open` has not ended.
        opened[0].is_closed = True
        asked.say({})

    with closing_all(tmp_path, answer) as connection:
        opened.append(connection.stream("GET", "/events"))
        opened[0].open()
