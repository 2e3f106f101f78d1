"""Who is sent what. The states are made up: the hub knows none."""

from collections.abc import Collection, Sequence

import pytest

from aiserver_tray.protocol.hub import Hub
from aiserver_tray.protocol.message import CallerKind, Message, Peer
from tests.unit.clients import Client

SAID = Message("said", b"1")


class Lamps:
    """A state: lamp -> what was last said of it. *event*: that of its messages."""

    def __init__(self, event: str = "lamp") -> None:
        self._event = event
        self._messages: dict[str, Message] = {}

    def switch(self, name: str, payload: bytes) -> None:
        self._messages[name] = Message(self._event, payload, key=name)

    def remove(self, name: str) -> None:
        del self._messages[name]

    def current(self, _peer: Peer, events: Collection[str]) -> Sequence[Message]:
        return [*self._messages.values()] if self._event in events else []


def sent(client: Client) -> list[tuple[str, bytes]]:
    return [(message.event, message.payload) for message in client.sent()]


@pytest.mark.parametrize("kind", ["window", "browser", "command", "tray"])
def test_published_event_reaches_each_subscriber_and_no_other_client(kind: CallerKind) -> None:
    hub, clients, other = Hub(), [Client(kind), Client(kind), Client("window")], Client(kind)
    for client in clients:
        hub.subscribe(client.peer, ["said"])
    hub.subscribe(other.peer, ["done"])
    hub.publish(SAID)
    assert [client.sent() for client in clients] == [[SAID]] * 3
    assert other.sent() == []
    hub.subscribe(clients[0].peer, ["done"])  # in place of the one before
    hub.forget(clients[1].peer)
    hub.publish(SAID)
    assert [client.sent() for client in clients] == [[], [], [SAID]]


def test_a_state_is_sent_at_once_and_then_what_is_new_in_it() -> None:
    hub, lamps, client, other = Hub(), Lamps(), Client(), Client()
    hub.add_state(lamps.current)
    lamps.switch("hall", b"1")
    hub.subscribe(other.peer, ["said"])
    hub.subscribe(client.peer, ["lamp"])
    assert sent(client) == [("lamp", b"1")]
    hub.update()
    assert sent(client) == []
    lamps.switch("door", b"0")
    hub.update()
    assert sent(client) == [("lamp", b"0")]
    hub.subscribe(client.peer, ["lamp"])
    assert sent(client) == [("lamp", b"1"), ("lamp", b"0")], "it may have lost what came before"
    assert other.sent() == []


def test_of_changes_the_first_state_is_not_sent() -> None:
    hub, lamps, client = Hub(), Lamps(), Client()
    hub.add_changes(lamps.current)
    lamps.switch("hall", b"1")
    hub.subscribe(client.peer, ["lamp"])
    hub.update()
    assert sent(client) == []
    lamps.switch("hall", b"0")
    lamps.switch("door", b"0")
    hub.update()
    assert sent(client) == [("lamp", b"0"), ("lamp", b"0")]


def test_states_are_sent_in_their_order_and_again_when_they_return() -> None:
    hub, client, parts, whole = Hub(), Client(), Lamps("part"), Lamps("whole")
    hub.add_state(parts.current)
    hub.add_state(whole.current)
    hub.subscribe(client.peer, ["whole", "part"])
    for state in (whole, parts):
        state.switch("hall", b"1")
    hub.update()
    assert [event for event, _ in sent(client)] == ["part", "whole"]
    hub, client, messages = Hub(), Client(), [Message("lamp", b"1", key="hall")]
    hub.add_state(lambda _peer, _events: [*messages])
    hub.subscribe(client.peer, ["lamp"])
    hall = messages.pop()
    hub.update()
    messages.append(hall)
    hub.update()
    assert client.sent() == [hall, hall]


def test_a_client_that_fails_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_message: Message) -> None:
        raise ZeroDivisionError

    hub, lamps, client = Hub(), Lamps(), Client()
    hub.add_state(lamps.current)
    lamps.switch("hall", b"1")
    hub.subscribe(Peer("window", "en", fail), ["lamp", "said"])
    hub.subscribe(client.peer, ["lamp", "said"])
    hub.publish(SAID)
    lamps.switch("hall", b"0")
    hub.update()
    assert sent(client) == [("lamp", b"1"), ("said", b"1"), ("lamp", b"0")]
    assert "ZeroDivisionError" in caplog.text
