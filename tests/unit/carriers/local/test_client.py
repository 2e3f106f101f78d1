"""What clients and the owner of the core have to say to each other."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from aiserver_tray.base.errors import NotRunningError, RemoteError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.protocol.message import CallerKind
from aiserver_tray.state.facts import ContainerSeen, DesiredChanged
from aiserver_tray.system.paths import Home
from tests.support import made
from tests.support.limits import LIMIT
from tests.support.store_contract import StoreContract
from tests.support.waiting import eventually
from tests.unit.carriers.local.listening import Heard


def test_a_call_is_answered_in_the_clients_language(home: Home, server: Server) -> None:
    payload = {"text": "日志 \ud800 \x00", "deep": [{}]}
    kinds: tuple[CallerKind, ...] = ("window", "browser", "command", "tray")
    for kind in kinds:
        with Client.connect(home, kind, language="zh") as client:
            told = client.request("echo", payload)
        assert told == {"payload": payload, "language": "zh", "kind": kind}


def test_answers_come_in_any_order(home: Home, server: Server, contract: StoreContract) -> None:
    with Client.connect(home, "command") as client, ThreadPoolExecutor() as threads:
        waiting = threads.submit(client.call, "wait")
        assert client.request("echo", {"a": 1})["payload"] == {"a": 1}
        with pytest.raises(TimeoutError):
            client.call("wait", timeout=0.05)
        eventually(lambda: contract.waiting, "the call")
        assert contract.waiting[0].pid == os.getpid()
        contract.released.set()
        assert waiting.result(LIMIT)["success"]


def test_a_bug_and_a_long_answer_are_reported(home: Home, server: Server) -> None:
    with Client.connect(home, "command") as client:
        failed = client.call("fail")
        assert (failed["success"], failed["code"]) == (False, "E_RUNTIME")
        assert "ZeroDivisionError" in failed["message"]
        with pytest.raises(RemoteError) as long:
            client.request("huge")
        assert long.value.code == "E_REQUEST"
        assert client.call("echo")["success"]


def test_each_listener_gets_what_it_asked_for_and_the_state_at_once(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, "command", language="zh") as client:
        snapshots, others = Heard(client, SNAPSHOT.name), Heard(client, STATUS.name, LOG.name)
        first = snapshots.message()
        assert (first.event, first.key) == (SNAPSHOT.name, "")
        assert json.loads(first.payload) == contract.snapshot("zh")
        client.call("emit", {"count": 1, "size": 1})
        message = others.message()
        assert (message.event, message.key) == (LOG.name, None)
        contract.put(ContainerSeen(made.ended(exit_code=2)))
        last = snapshots.until(lambda payload: payload["state"] == "error")[-1]
        assert last == contract.snapshot("zh")
        event, payload = others.next()
        assert (event, payload["name"]) == (STATUS.name, "web")
        assert (payload["status"]["success"], payload["status"]["data"]["state"]) == (True, "error")


def test_many_changes_at_once_are_sent_as_few_snapshots(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, "command") as client:
        heard = Heard(client, SNAPSHOT.name)
        heard.next()
        for number in range(2000):
            contract.store.put(DesiredChanged(frozenset({"web"} if number % 2 else ())))
            contract.store.put(ContainerSeen(made.ended(exit_code=number)))
        contract.store.flush()
        last = contract.snapshot()
        # Far fewer than there were states, since most were overtaken.
        assert len(heard.until(lambda payload: payload == last)) < 500


def test_progress_comes_with_steps_and_before_the_snapshot_that_names_it(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, "command") as client:
        heard = Heard(client, PROGRESS.name, SNAPSHOT.name)
        heard.next()
        contract.show(made.operation("up", ("wait", "web/app", "running"), id="7"))
        event, payload = heard.next()
        assert event == PROGRESS.name
        assert payload["operation"]["text"] == "waiting for web/app"
        assert [step["kind"] for step in payload["operation"]["steps"]] == ["wait"]
        event, payload = heard.next()
        assert event == SNAPSHOT.name
        assert [(o["id"], o["total"]) for o in payload["operations"]] == [("7", 1)]


def test_many_clients_see_the_same(home: Home, server: Server, contract: StoreContract) -> None:
    contract.start_stack()
    with ExitStack() as stack:
        clients = [stack.enter_context(Client.connect(home, "command")) for _ in range(20)]
        listeners = [Heard(client, SNAPSHOT.name) for client in clients]
        for number in range(50):
            contract.put(ContainerSeen(made.ended(exit_code=number)))
        for heard in listeners:
            heard.until(lambda payload: payload == contract.snapshot())


def test_lost_host_ends_all_waiting_calls_at_once(home: Home, contract: StoreContract) -> None:
    server = Server(home, contract)
    server.start()
    with Client.connect(home, "command") as client, ThreadPoolExecutor() as threads:
        heard = Heard(client, SNAPSHOT.name)
        waiting = threads.submit(client.call, "wait")
        eventually(lambda: contract.waiting, "the call")
        server.close()
        assert heard.is_lost.wait(LIMIT)
        with pytest.raises(NotRunningError):
            waiting.result(LIMIT)
        with pytest.raises(NotRunningError):
            client.call("echo")
        with pytest.raises(NotRunningError):
            Client.connect(home, "command")


def test_closed_client_is_forgotten_and_does_not_report_a_lost_host(
    home: Home, server: Server, contract: StoreContract
) -> None:
    client = Client.connect(home, "command")
    heard = Heard(client, SNAPSHOT.name)
    heard.next()
    client.close()
    client.close()
    eventually(lambda: len(contract.forgotten) == 1, "the end of the client")
    assert not heard.is_lost.is_set()
