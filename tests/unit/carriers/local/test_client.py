"""What clients and the owner of the core have to say to each other."""

import json
import os
import threading
from queue import SimpleQueue
from typing import Any

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
from tests.support.store_contract import StoreContract
from tests.unit.carriers.local.listening import LIMIT, Heard, until


@pytest.mark.parametrize("kind", ["window", "browser", "command", "tray"])
def test_a_call_is_answered_in_the_clients_language(
    home: Home, server: Server, kind: CallerKind
) -> None:
    with Client.connect(home, kind, language="zh") as client:
        data = client.request("echo", {"text": "日志 \ud800 \x00", "deep": [{}]})
    payload = {"text": "日志 \ud800 \x00", "deep": [{}]}
    assert data == {"payload": payload, "language": "zh", "kind": kind}


def test_answers_come_in_any_order(home: Home, server: Server, contract: StoreContract) -> None:
    with Client.connect(home, "command") as client:
        answers: SimpleQueue[Any] = SimpleQueue()
        waiter = threading.Thread(target=lambda: answers.put(client.call("wait")))
        waiter.start()
        assert client.request("echo", {"a": 1})["payload"] == {"a": 1}
        with pytest.raises(TimeoutError):
            client.call("wait", timeout=0.05)
        until(lambda: bool(contract.waiting))
        assert contract.waiting[0].pid == os.getpid()
        contract.released.set()
        assert answers.get(timeout=LIMIT)["success"]
        waiter.join()


def test_a_bug_and_a_long_answer_are_reported(home: Home, server: Server) -> None:
    with Client.connect(home, "command") as client:
        failed = client.call("fail")
        assert (failed["success"], failed["code"]) == (False, "E_RUNTIME")
        assert "ZeroDivisionError" in failed["message"]
        with pytest.raises(RemoteError) as long:
            client.request("huge")
        assert long.value.code == "E_REQUEST"
        assert client.call("echo")["success"]


def test_the_state_comes_at_once_and_whole_after_each_change(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, "command", language="zh") as client:
        heard = Heard(client, SNAPSHOT.name)
        first = heard.message()
        assert (first.event, first.key) == (SNAPSHOT.name, "")
        assert json.loads(first.payload) == contract.snapshot("zh")
        contract.put(ContainerSeen(made.ended(exit_code=2)))
        last = heard.until(lambda payload: payload["state"] == "error")[-1]
        assert last == contract.snapshot("zh")


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


def test_only_subscribed_events_are_sent(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, "command") as client:
        heard = Heard(client, STATUS.name, LOG.name)
        client.call("emit", {"count": 1, "size": 1})
        message = heard.message()
        assert (message.event, message.key) == (LOG.name, None)
        contract.put(ContainerSeen(made.ended(exit_code=2)))
        event, payload = heard.next()
        assert (event, payload["name"]) == (STATUS.name, "web")
        assert (payload["status"]["success"], payload["status"]["data"]["state"]) == (True, "error")


def test_each_listener_of_a_client_hears_what_it_asked_for(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, "command") as client:
        snapshots, statuses = Heard(client, SNAPSHOT.name), Heard(client, STATUS.name)
        contract.put(ContainerSeen(made.ended(exit_code=2)))
        snapshots.until(lambda payload: payload["state"] == "error")
        assert statuses.next()[0] == STATUS.name


def test_many_clients_see_the_same(home: Home, server: Server, contract: StoreContract) -> None:
    contract.start_stack()
    clients = [Client.connect(home, "command") for _ in range(20)]
    listeners = [Heard(client, SNAPSHOT.name) for client in clients]
    for number in range(50):
        contract.put(ContainerSeen(made.ended(exit_code=number)))
    wanted = contract.snapshot()
    for heard in listeners:
        heard.until(lambda payload: payload == wanted)
    for client in clients:
        client.close()


def test_lost_host_ends_all_waiting_calls_at_once(home: Home, contract: StoreContract) -> None:
    server = Server(home, contract)
    server.start()
    client = Client.connect(home, "command")
    heard = Heard(client, SNAPSHOT.name)
    errors: SimpleQueue[BaseException] = SimpleQueue()

    def wait() -> None:
        try:
            client.call("wait")
        except NotRunningError as error:
            errors.put(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    until(lambda: bool(contract.waiting))
    server.close()
    assert heard.is_lost.wait(LIMIT)
    assert errors.get(timeout=LIMIT)
    waiter.join()
    with pytest.raises(NotRunningError):
        client.call("echo")
    with pytest.raises(NotRunningError):
        Client.connect(home, "command")
    client.close()


def test_closed_client_is_forgotten_and_does_not_report_a_lost_host(
    home: Home, server: Server, contract: StoreContract
) -> None:
    client = Client.connect(home, "command")
    heard = Heard(client, SNAPSHOT.name)
    heard.next()
    client.close()
    client.close()
    until(lambda: len(contract.forgotten) == 1)
    assert not heard.is_lost.is_set()
