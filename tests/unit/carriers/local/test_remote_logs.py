"""A command that follows the kept logs gets each line once, however slow it is."""

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.base.errors import NotRunningError, RemoteError
from aiserver_tray.base.i18n import Text
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.cli import remote
from aiserver_tray.cli.remote import RemoteLogs
from aiserver_tray.features.logs.channels import KeptLogChannels
from aiserver_tray.features.logs.follow import LogFollowChannels
from aiserver_tray.features.logs.kept import Policy
from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from aiserver_tray.model import Carrier
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Peer
from aiserver_tray.system.paths import Home


class LogContract:
    """Keeps `contract.Contract`, with the channels of kept logs only."""

    def __init__(self, store: LogStore) -> None:
        reader = LogReader(store.path)
        self.follow = LogFollowChannels(store.observe, reader)
        self._handlers = handlers_of(
            [KeptLogChannels(reader, SimpleNamespace(policy=Policy(), behind=())), self.follow]
        )

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401 - JSON
        return dispatch(self._handlers, channel, payload, Caller(peer, "en"))

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Each stream is sent to its client anyway."""

    def forget(self, peer: Peer) -> None:
        self.follow.forget(peer)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """Nobody is."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    with closing(LogStore(tmp_path / "logs.sqlite")) as store:
        yield store


@pytest.fixture
def server(home: Home, store: LogStore) -> Iterator[Server]:
    contract = LogContract(store)
    with closing(contract.follow), closing(Server(home, contract)) as server:
        server.start()
        yield server


@pytest.fixture
def logs(home: Home, server: Server) -> Iterator[RemoteLogs]:
    with Client.connect(home, "command") as client:
        yield RemoteLogs(client)


def lines(begin: int, end: int) -> list[Line]:
    return [
        Line(number * 10**9, "web", "app", "stdout", "info", continues=False, text=str(number))
        for number in range(begin, end)
    ]


def test_a_slow_reader_gets_each_line_once(
    logs: RemoteLogs, store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_MAX_WAITING", 500)
    monkeypatch.setattr(remote, "_SETTLE_SECONDS", 0.3)
    written = Event()

    def write() -> None:
        for begin in range(1000, 9000, 100):
            store.add(lines(begin, begin + 100))
        # Of a service whose lines come late, and are older than those before.
        store.add([line._replace(service="late") for line in lines(500, 600)])
        written.set()

    store.add(lines(0, 100))
    followed = logs.follow(
        {}, lambda until: logs.oldest({}, keptUntil=until), lambda: not written.is_set()
    )
    found = [next(followed)["text"] for _ in range(100)]
    writer = Thread(target=write)
    writer.start()
    found.append(next(followed)["text"])
    writer.join()  # meanwhile nothing is read
    found += [line["text"] for line in followed]

    wanted = [line.text for line in [*lines(0, 100), *lines(500, 600), *lines(1000, 9000)]]
    assert sorted(found, key=int) == wanted


def test_the_tail_of_each_service_is_the_end_of_its_lines(
    logs: RemoteLogs, store: LogStore
) -> None:
    store.add([line._replace(service="early") for line in lines(0, 30)])
    store.add(lines(30, 2530))

    def tails(number: int) -> list[list[str]]:
        found = logs.tails({}, ["web/app", "web/early", "web/none"], number)
        return [[line["text"] for line in lines] for lines in found]

    early, late = [str(n) for n in range(30)], [str(n) for n in range(30, 2530)]
    assert tails(7) == [late[-7:], early[-7:], []]
    assert tails(1500) == [late[-1500:], early, []]
    assert tails(0) == []


def test_the_end_of_the_owner_and_a_wrong_filter_are_reported(
    logs: RemoteLogs, server: Server, store: LogStore
) -> None:
    with pytest.raises(RemoteError) as wrong:
        next(logs.oldest({"pattern": "("}))
    assert wrong.value.code == "E_REQUEST"
    store.add(lines(0, 1))
    followed = logs.follow({}, lambda until: logs.oldest({}, keptUntil=until), lambda: True)
    assert next(followed)["text"] == "0"
    server.close()
    with pytest.raises(NotRunningError):
        next(followed)
