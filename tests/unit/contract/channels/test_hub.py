"""Who is sent what, and when."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Event

import pytest

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.contract.channels import hub
from aiserver_tray.contract.contract import Peer
from aiserver_tray.contract.message import CallerKind, Json, Message
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.state.facts import ContainerSeen, ModulesChanged, TextsChanged
from tests.support import made
from tests.support.store_contract import SUMMARY, TITLE, StoreContract

LIMIT = 20.0
ALL = (SNAPSHOT.name, PROGRESS.name, STATUS.name)
LINE = LOG.message({"streamId": "s", "event": "stdout", "chunk": "said"})


class Client:
    """Keeps what it is sent."""

    def __init__(self, kind: CallerKind = "window", language: Language = "en") -> None:
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self.peer = Peer(kind, language, self._messages.put)

    def sent(self) -> list[Message]:
        """What came since the last time."""
        messages: list[Message] = []
        try:
            while True:
                messages.append(self._messages.get_nowait())
        except Empty:
            return messages

    def next(self) -> tuple[str, Json]:
        message = self._messages.get(timeout=LIMIT)
        return message.event, json.loads(message.payload)

    def until(self, event: str) -> list[tuple[str, Json]]:
        """What comes, up to the next *event*."""
        found = [self.next()]
        while found[-1][0] != event:
            found.append(self.next())
        return found


@pytest.fixture
def contract() -> Iterator[StoreContract]:
    with closing(StoreContract()) as contract:
        contract.start_stack()
        yield contract


def names(messages: Sequence[Message]) -> list[str]:
    return [message.event for message in messages]


def crashed(exit_code: int) -> ContainerSeen:
    return ContainerSeen(made.ended(exit_code=exit_code))


def test_who_subscribes_is_sent_the_state_at_once(contract: StoreContract) -> None:
    contract.show(made.operation("up", ("wait", "web/app", "running"), id="7"))
    client = Client(language="zh")
    contract.subscribe(client.peer, ALL)
    progress, snapshot = client.sent()
    assert (progress.event, progress.key) == (PROGRESS.name, "7")
    assert json.loads(progress.payload)["operation"]["steps"][0]["service"] == "app"
    assert (snapshot.event, snapshot.key) == (SNAPSHOT.name, "")
    assert json.loads(snapshot.payload) == contract.snapshot("zh")


def test_each_change_is_sent_as_a_whole_snapshot(contract: StoreContract) -> None:
    client = Client()
    contract.subscribe(client.peer, [SNAPSHOT.name])
    client.sent()
    for exit_code in (1, 2):
        contract.put(crashed(exit_code))
        assert client.next() == (SNAPSHOT.name, contract.snapshot())


def test_what_reads_as_before_is_not_sent_again(contract: StoreContract) -> None:
    client = Client()
    contract.subscribe(client.peer, ALL)
    client.sent()
    contract.put(TextsChanged())
    contract.hub.close()
    assert client.sent() == []


def test_at_most_ten_states_a_second_are_sent_and_the_last_in_any_case(
    contract: StoreContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub.BATCH_SECONDS == 0.1
    monkeypatch.setattr(hub, "BATCH_SECONDS", 10 * LIMIT)
    client = Client()
    with closing(hub.Hub(contract.store, lambda own: own)) as slow:
        slow.subscribe(client.peer, [SNAPSHOT.name])
        slow.start()
        for exit_code in range(1, 1000):
            contract.put(crashed(exit_code))
    first, *later = client.sent()
    assert len(later) <= 2, "one before the pause, and one at the end"
    assert json.loads(later[-1].payload) == contract.snapshot() != json.loads(first.payload)


def test_of_operations_and_modules_only_what_changed_is_sent(contract: StoreContract) -> None:
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
    contract.hub.close()
    assert client.sent() == []


def test_all_clients_of_a_language_are_sent_what_was_encoded_once(contract: StoreContract) -> None:
    contract.show(made.operation("up", ("wait", "web/app", "running"), id="7"))
    one, other, chinese = Client(), Client("tray"), Client(language="zh")
    for client in (one, other, chinese):
        contract.subscribe(client.peer, ALL)
    mine, theirs = one.sent(), other.sent()
    assert [id(m.payload) for m in mine] == [id(m.payload) for m in theirs]
    assert json.loads(chinese.sent()[1].payload)["modules"][0]["title"] == TITLE["zh"]


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
    contract.hub.close()
    assert chinese.sent() == []


@pytest.mark.parametrize("kind", ["window", "browser", "command", "tray"])
def test_what_is_published_reaches_each_client_that_subscribed_to_it(
    contract: StoreContract, kind: CallerKind
) -> None:
    clients, other = [Client(kind), Client(kind), Client("window")], Client(kind)
    for client in clients:
        contract.subscribe(client.peer, [LOG.name])
    contract.subscribe(other.peer, [STATUS.name])
    contract.hub.publish(LINE)
    assert [client.sent() for client in clients] == [[LINE]] * 3
    assert other.sent() == []


def test_a_new_subscription_takes_the_place_of_the_one_before(contract: StoreContract) -> None:
    client, gone = Client(), Client()
    for one in (client, gone):
        contract.subscribe(one.peer, [LOG.name])
    contract.subscribe(client.peer, [SNAPSHOT.name])
    contract.forget(gone.peer)
    contract.hub.publish(LINE)
    assert (names(client.sent()), gone.sent()) == ([SNAPSHOT.name], [])


def test_a_client_that_fails_holds_up_no_other(
    contract: StoreContract, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_message: Message) -> None:
        failed.set()
        raise ZeroDivisionError

    failed, client = Event(), Client()
    contract.subscribe(Peer("window", "en", fail), [SNAPSHOT.name, LOG.name])
    assert failed.is_set()
    contract.subscribe(client.peer, [SNAPSHOT.name, LOG.name])
    client.sent()
    contract.hub.publish(LINE)
    assert client.sent() == [LINE]
    contract.put(crashed(3))
    assert client.next() == (SNAPSHOT.name, contract.snapshot())
    assert "ZeroDivisionError" in caplog.text


def test_after_its_end_nothing_is_sent(contract: StoreContract) -> None:
    client = Client()
    contract.subscribe(client.peer, ALL)
    client.sent()
    contract.put(crashed(3))
    contract.hub.close()
    assert names(client.sent()) == [SNAPSHOT.name, STATUS.name], "the last state"
    contract.put(crashed(4))
    assert client.sent() == []
