"""The state as clients are sent it: when, how often, and in which language."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack import publishing
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.features.stack.publishing import Publishing
from aiserver_tray.protocol.hub import Hub
from aiserver_tray.state.facts import ContainerSeen, ModulesChanged, TextsChanged
from tests.support import made
from tests.support.limits import LIMIT
from tests.support.store_contract import SUMMARY, TITLE, StoreContract
from tests.unit.clients import Client

ALL = (SNAPSHOT.name, PROGRESS.name, STATUS.name)
LINE = LOG.message({"streamId": "s", "event": "stdout", "chunk": "said"})


@pytest.fixture
def contract() -> Iterator[StoreContract]:
    with closing(StoreContract()) as contract:
        contract.start_stack()
        yield contract


def crashed(exit_code: int) -> ContainerSeen:
    return ContainerSeen(made.ended(exit_code=exit_code))


def test_new_subscribers_are_sent_the_state_that_was_encoded_once(contract: StoreContract) -> None:
    contract.show(made.operation("up", ("wait", "web/app", "running"), id="7"))
    client = Client(language="zh")
    contract.subscribe(client.peer, ALL)
    progress, snapshot = client.sent()
    assert (progress.event, progress.key) == (PROGRESS.name, "7")
    assert json.loads(progress.payload)["operation"]["steps"][0]["service"] == "app"
    assert (snapshot.event, snapshot.key) == (SNAPSHOT.name, "")
    assert json.loads(snapshot.payload) == contract.snapshot("zh")
    one, other, chinese = Client(), Client("tray"), Client(language="zh")
    for client in (one, other, chinese):
        contract.subscribe(client.peer, ALL)
    mine, theirs = one.sent(), other.sent()
    assert [id(m.payload) for m in mine] == [id(m.payload) for m in theirs]
    assert json.loads(chinese.sent()[1].payload)["modules"][0]["title"] == TITLE["zh"]


def test_each_change_is_sent_as_a_whole_snapshot_until_the_end(contract: StoreContract) -> None:
    client = Client()
    contract.subscribe(client.peer, [SNAPSHOT.name])
    client.sent()
    for exit_code in (1, 2):
        contract.put(crashed(exit_code))
        assert client.next() == (SNAPSHOT.name, contract.snapshot())
    contract.put(crashed(3))
    contract.publishing.close()
    assert [message.event for message in client.sent()] == [SNAPSHOT.name], "the last state"
    contract.put(crashed(4))
    assert client.sent() == []


def test_at_most_ten_states_a_second_are_sent_and_the_last_in_any_case(
    contract: StoreContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publishing.BATCH_SECONDS == 0.1
    monkeypatch.setattr(publishing, "BATCH_SECONDS", 10 * LIMIT)
    client = Client()
    hub = Hub()
    with closing(Publishing(contract.store, hub, lambda own: own)) as slow:
        hub.subscribe(client.peer, [SNAPSHOT.name])
        slow.start()
        for exit_code in range(1, 1000):
            contract.put(crashed(exit_code))
    first, *later = client.sent()
    assert len(later) <= 2, "one before the pause, and one at the end"
    assert json.loads(later[-1].payload) == contract.snapshot() != json.loads(first.payload)


def test_only_changed_operations_and_modules_are_sent(contract: StoreContract) -> None:
    web, wiki = made.model(), made.model("wiki")
    contract.put(ModulesChanged((web, wiki)))
    for id in ("1", "2"):
        contract.show(made.operation("up", ("wait", f"{id}/app", "running"), id=id))
    client = Client()
    contract.subscribe(client.peer, ALL)
    assert len(client.sent()) == 3
    contract.put(crashed(3))
    (_, snapshot), (_, status) = client.until(STATUS.name)
    assert snapshot == contract.snapshot()
    assert (status["name"], status["status"]["data"]["state"]) == ("web", "error")
    contract.show(made.operation("up", ("wait", "2/app", "done"), id="2"))
    (_, progress), _ = client.until(SNAPSHOT.name)
    assert progress["operation"]["id"] == "2"
    contract.put(TextsChanged())  # nothing else is to be sent
    contract.publishing.close()
    assert client.sent() == []


def test_when_the_language_changes_all_is_sent_again(contract: StoreContract) -> None:
    why = Text("stopped")
    contract.show(replace(made.operation("up", id="7"), detail=why))
    english, chinese = Client(), Client(language="zh")
    for client in (english, chinese):
        contract.subscribe(client.peer, ALL)
        client.sent()
    contract.choose("zh")
    sent = english.until(STATUS.name)
    assert [event for event, _ in sent] == [PROGRESS.name, SNAPSHOT.name, STATUS.name]
    assert sent[0][1]["operation"]["detail"] == why.render("zh") != why.render("en")
    assert sent[1][1] == contract.snapshot("zh")
    assert sent[1][1]["modules"][0]["summary"] == SUMMARY["zh"]
    contract.publishing.close()
    assert chinese.sent() == []
