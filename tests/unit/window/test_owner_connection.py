"""A window keeps itself connected to the owner of the core, and answers its page in any case."""

import logging
from collections.abc import Callable, Iterable, Mapping
from queue import SimpleQueue
from typing import Any

import pytest

from aiserver_tray.base.errors import NotRunningError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import AnyClient, Envelope, Message, answer
from aiserver_tray.window import owner_connection
from aiserver_tray.window.bridge import GOTO, LOST, Bridge
from aiserver_tray.window.owner_connection import OwnerConnection
from tests.support.limits import LIMIT

STATE = Message(SNAPSHOT.name, b'{"language":"zh"}', key="")
LINE = LOG.message({"streamId": "s", "event": "stdout", "chunk": "said"})


class Owner(AnyClient):
    """An owner as a client sees it; a test says what it sends, and when it is lost."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.answer = answer({"from": "owner"})
        self.is_lost = False
        self.is_closed = False
        self._callback: Callable[[Message], None]
        self._on_lost: Callable[[], None]
        self.events: SimpleQueue[tuple[str, ...]] = SimpleQueue()

    def call(
        self,
        channel: str,
        payload: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - nothing here hangs
    ) -> Envelope:
        if self.is_lost:
            raise NotRunningError
        self.calls.append((channel, payload))
        return self.answer

    def subscribe(
        self,
        events: Iterable[str],
        callback: Callable[[Message], None],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._callback, self._on_lost = callback, on_lost
        self.events.put(tuple(events))

    def send(self, message: Message) -> None:
        self._callback(message)

    def lose(self) -> None:
        self.is_lost = True
        self._on_lost()

    def close(self) -> None:
        self.is_closed = True


class Page:
    """What the window hears, and its bridge."""

    def __init__(self) -> None:
        self.told: SimpleQueue[str] = SimpleQueue()
        self.owners: SimpleQueue[Owner | Exception] = SimpleQueue()
        self.connection = OwnerConnection(self._connect, [SNAPSHOT.name], "en")
        self.bridge = Bridge(
            self.connection,
            self,  # type: ignore[arg-type]
            page="logs",
            pick=lambda dialog, name: f"/{dialog} {name}".strip(),
        )

    def _connect(self) -> Owner:
        found = self.owners.get()
        if isinstance(found, Exception):
            raise found
        return found

    def find(self, *before: Exception) -> Owner:
        """Let there be an owner, after errors *before* it; wait until it is subscribed to."""
        for error in before:
            self.owners.put(error)
        owner = Owner()
        self.owners.put(owner)
        assert owner.events.get(timeout=LIMIT) == (SNAPSHOT.name,)
        return owner

    def heard(self) -> str:
        return self.told.get(timeout=LIMIT)

    # -- what the bridge needs of a publisher --------------------------------------------------

    def put(self, message: Message) -> None:
        self.told.put(message.event)

    def lost(self, message: Message) -> None:
        self.put(message)

    def begin(self) -> None:
        self.told.put("begin")

    def pause(self) -> None:
        self.told.put("pause")

    def resume(self) -> None:
        self.told.put("resume")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr(owner_connection, "FIRST_RETRY_SECONDS", 0.01)
    page = Page()
    page.connection.start(page.bridge)
    return page


def test_events_reach_the_page_in_order_and_the_state_shows_the_language(page: Page) -> None:
    owner = page.find()
    owner.send(STATE)
    owner.send(LINE)
    assert [page.heard(), page.heard()] == [SNAPSHOT.name, LOG.name]
    assert page.connection.language == "zh"


def test_an_owner_that_is_lost_is_reported_and_the_next_is_found(page: Page) -> None:
    first = page.find()
    first.send(STATE)
    first.lose()
    assert [page.heard(), page.heard()] == [SNAPSHOT.name, LOST.name]
    told = page.bridge.invoke("ai/modules/list")
    assert (told["code"], first.is_closed) == ("E_NOT_RUNNING", True)
    assert told["message"] == NotRunningError().render("zh")
    second = page.find(NotRunningError(), NotRunningError())
    second.send(STATE)
    assert page.heard() == SNAPSHOT.name
    assert page.bridge.invoke("ai/modules/list")["data"] == {"from": "owner"}


def test_missing_owner_is_told_once(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    wrong = RequestError(Text("it has another version"))
    owner = page.find(NotRunningError(), NotRunningError(), wrong)
    owner.send(STATE)
    assert [page.heard(), page.heard()] == [LOST.name, SNAPSHOT.name]
    assert "it has another version" in caplog.text


def test_channels_are_the_owners_but_for_those_of_the_window(page: Page) -> None:
    owner = page.find()
    assert page.bridge.invoke("ai/module/start", {"name": "n8n"})["data"] == {"from": "owner"}
    assert owner.calls == [("ai/module/start", {"name": "n8n"})]
    ready = {"page": "logs", "language": "en"}
    assert page.bridge.invoke("ai/ui/ready")["data"] == ready
    for visible in (False, True):
        assert page.bridge.invoke("ai/ui/visible", {"visible": visible})["success"]
    assert [page.heard() for _ in range(3)] == ["begin", "pause", "resume"]
    assert page.bridge.invoke("ai/ui/visible", {})["code"] == "E_REQUEST"
    assert len(owner.calls) == 1
    page.bridge.goto("settings")
    assert page.heard() == GOTO.name
    assert page.bridge.invoke("ai/ui/ready", None)["data"] == ready | {"page": "settings"}


@pytest.mark.parametrize(
    ("channel", "payload", "picked"),
    [
        ("ai/ui/pickFolder", {}, {"folder": "/folder"}),
        ("ai/ui/pickFile", {}, {"file": "/open"}),
        ("ai/ui/pickFile", {"name": "key.txt"}, {"file": "/save key.txt"}),
    ],
)
def test_paths_are_picked_in_the_dialog_that_suits(
    page: Page, channel: str, payload: dict[str, Any], picked: dict[str, Any]
) -> None:
    assert page.bridge.invoke(channel, payload)["data"] == picked


def test_links_open_and_lines_are_logged_without_an_owner_too(
    page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("aiserver_tray.features.app.system.open_url", opened.append)
    link, line = {"url": "https://n8n.io"}, {"level": "error", "message": "a bug\nof mine"}
    assert page.bridge.invoke("ai/system/openExternal", link)["success"]
    with caplog.at_level(logging.ERROR, "aiserver_tray.page"):
        assert page.bridge.invoke("ai/logs/client/append", line)["success"]
    assert (opened, caplog.messages) == (["https://n8n.io"], ["a bug\\nof mine"])
    owner = page.find()
    assert page.bridge.invoke("ai/logs/client/append", line)["data"] == {"from": "owner"}
    assert owner.calls == [("ai/logs/client/append", line)]


@pytest.mark.parametrize("arguments", [(), (1,), ("ai/ui/ready", []), ("ai/ui/ready", {}, {})])
def test_wrong_arguments_of_invoke_are_refused(page: Page, arguments: tuple[object, ...]) -> None:
    assert page.bridge.invoke(*arguments)["code"] == "E_REQUEST"
    assert page.bridge.refusal()["code"] == "E_REQUEST", "a page that is not ours gets it, too"


@pytest.mark.parametrize("channel", ["ai/ui/ready", "ai/modules/list"])
def test_a_bug_becomes_an_answer(page: Page, monkeypatch: pytest.MonkeyPatch, channel: str) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a password")

    monkeypatch.setattr(page, "begin", fail)
    monkeypatch.setattr(page.find(), "call", fail)
    told = page.bridge.invoke(channel)
    assert (told["success"], told["code"]) == (False, "E_RUNTIME")
    assert "password" not in str(told)
