"""What clients and the host of the core have to say to each other."""

import threading
from queue import SimpleQueue
from typing import Any

import pytest

from aiserver_tray.base.errors import NotRunningError, RemoteError
from aiserver_tray.contract.contract import (
    LOG_EVENT,
    PROGRESS_EVENT,
    SNAPSHOT_EVENT,
    STATUS_EVENT,
)
from aiserver_tray.contract.local.changes import applied
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.local.mirror import Mirror
from aiserver_tray.contract.local.server import Server
from aiserver_tray.state.facts import ContainerSeen, DesiredChanged
from aiserver_tray.system.paths import Home
from tests.support import made
from tests.support.store_contract import ROLE, StoreContract
from tests.unit.contract.local.listening import LIMIT, Heard, until


def test_a_call_is_answered_in_the_clients_language(home: Home, server: Server) -> None:
    with Client.connect(home, ROLE, language="zh") as client:
        data = client.request("echo", {"text": "日志 \ud800 \x00", "deep": [{}]})
    assert data == {"payload": {"text": "日志 \ud800 \x00", "deep": [{}]}, "language": "zh"}


def test_answers_come_in_any_order(home: Home, server: Server, contract: StoreContract) -> None:
    with Client.connect(home, ROLE) as client:
        answers: SimpleQueue[Any] = SimpleQueue()
        waiter = threading.Thread(target=lambda: answers.put(client.call("wait")))
        waiter.start()
        assert client.request("echo", {"a": 1})["payload"] == {"a": 1}
        with pytest.raises(TimeoutError):
            client.call("wait", timeout=0.05)
        contract.released.set()
        assert answers.get(timeout=LIMIT)["success"]
        waiter.join()


def test_a_bug_and_a_long_answer_are_told(home: Home, server: Server) -> None:
    with Client.connect(home, ROLE) as client:
        failed = client.call("fail")
        assert (failed["success"], failed["code"]) == (False, "E_RUNTIME")
        assert "ZeroDivisionError" in failed["message"]
        with pytest.raises(RemoteError) as long:
            client.request("huge")
        assert long.value.code == "E_REQUEST"
        assert client.call("echo")["success"]


def test_changes_come_as_changes_and_lead_to_what_is_there(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, ROLE) as client:
        heard = Heard(client, SNAPSHOT_EVENT)
        first = heard.next()[1]
        assert first["base"] is None
        assert first["snapshot"]["modules"][0]["title"] == "Web"
        snapshot = applied(None, first)
        contract.put(ContainerSeen(made.ended(exit_code=2)))
        for payload in heard.until(lambda p: "modules" in p["changes"]):
            snapshot = applied(snapshot, payload)
        assert snapshot == contract.snapshot("en")
        assert snapshot["state"] == "error"


def test_what_happens_at_once_is_told_as_one(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, ROLE) as client:
        heard = Heard(client, SNAPSHOT_EVENT)
        heard.next()
        for number in range(2000):
            contract.store.put(DesiredChanged(frozenset({"web"} if number % 2 else ())))
            contract.store.put(ContainerSeen(made.ended(exit_code=number)))
        contract.store.flush()
        last = contract.store.snapshot.seq
        # Far fewer than there were states, since some were overtaken.
        assert len(heard.until(lambda p: p["seq"] == last)) < 500


def test_progress_comes_with_steps_and_before_the_snapshot_that_names_it(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, ROLE) as client:
        heard = Heard(client, PROGRESS_EVENT, SNAPSHOT_EVENT)
        heard.next()
        contract.show(made.operation("up", ("wait", "web/app", "running")))
        event, payload = heard.next()
        assert event == PROGRESS_EVENT
        assert payload["operation"]["text"] == "waiting for web/app"
        assert [step["kind"] for step in payload["operation"]["steps"]] == ["wait"]
        event, payload = heard.next()
        assert event == SNAPSHOT_EVENT
        assert payload["changes"]["operations"][0]["total"] == 1


def test_the_status_of_what_changed_is_told(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, ROLE) as client:
        heard = Heard(client, STATUS_EVENT, LOG_EVENT)
        client.call("emit", {"count": 1, "size": 1})
        assert heard.next()[0] == LOG_EVENT
        contract.put(ContainerSeen(made.ended(exit_code=2)))
        event, payload = heard.next()
        assert event == STATUS_EVENT
        assert (payload["name"], payload["status"]["data"]) == ("web", {"state": "error"})


def test_many_clients_see_the_same(home: Home, server: Server, contract: StoreContract) -> None:
    contract.start_stack()
    clients = [Client.connect(home, ROLE) for _ in range(20)]
    mirrors = [Mirror(client) for client in clients]
    for number in range(50):
        contract.put(ContainerSeen(made.ended(exit_code=number)))
    wanted = contract.snapshot("en")
    for mirror in mirrors:
        until(lambda mirror=mirror: mirror.snapshot() == wanted)  # type: ignore[misc]
    for client in clients:
        client.close()


def test_a_mirror_that_missed_an_event_asks_again(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with Client.connect(home, ROLE) as client:
        mirror = Mirror(client)
        mirror.snapshot()["seq"] = -1
        contract.put(ContainerSeen(made.ended(exit_code=3)))
        until(lambda: mirror.snapshot() == contract.snapshot("en"))


def test_a_mirror_keeps_the_operations_that_run_and_the_last_that_ended(
    home: Home, server: Server, contract: StoreContract
) -> None:
    with Client.connect(home, ROLE) as client:
        mirror = Mirror(client)
        for id in ("1", "2", "3"):
            contract.show(made.operation("up", ("wait", "web/app", "done"), id=id))
        for id in ("1", "2"):
            contract.show(made.operation("up", id=id, status="succeeded"))
        until(lambda: mirror.operations() == contract.operations("en"))
        assert [o["id"] for o in mirror.operations()] == ["2", "3"]


def test_a_host_that_ends_is_noticed_at_once_by_all_who_wait(
    home: Home, contract: StoreContract
) -> None:
    server = Server(home, ROLE, contract)
    server.start()
    client = Client.connect(home, ROLE)
    heard = Heard(client, SNAPSHOT_EVENT)
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
        Client.connect(home, ROLE)
    client.close()


def test_who_leaves_is_forgotten_and_is_not_told_that_the_host_was_lost(
    home: Home, server: Server, contract: StoreContract
) -> None:
    client = Client.connect(home, ROLE)
    heard = Heard(client, SNAPSHOT_EVENT)
    heard.next()
    client.close()
    client.close()
    until(lambda: len(contract.forgotten) == 1)
    assert not heard.is_lost.is_set()
