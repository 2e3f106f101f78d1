"""What the window's page is sent."""

import json
import time
from queue import SimpleQueue
from threading import Event

import pytest

from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.protocol.message import Json, Message
from aiserver_tray.window import publisher as module
from aiserver_tray.window.bridge import GOTO, LOST
from aiserver_tray.window.publisher import BYTES_KEPT, LINES_KEPT, Publisher
from tests.support.limits import LIMIT

LOST_MESSAGE = LOST.message({})


def snapshot(number: int) -> Message:
    return Message(SNAPSHOT.name, b'{"number":%d}' % number, key="")


def line(text: str) -> Message:
    return LOG.message({"streamId": "s", "event": "stdout", "chunk": text})


def progress(id: str, done: int) -> Message:
    return Message(PROGRESS.name, json.dumps({"id": id, "done": done}).encode(), key=id)


class Page:
    """Keeps the batches that it receives. It is busy until ``is_free``."""

    def __init__(self) -> None:
        self._batches: SimpleQueue[list[tuple[str, Json]]] = SimpleQueue()
        self.is_free = Event()
        self.is_free.set()
        self.publisher = Publisher(self._run)
        self.publisher.start()

    def _run(self, script: str) -> None:
        head, tail = "window.aiserver?.receive(", ")"
        assert script.startswith(head)
        assert script.endswith(tail)
        self._batches.put([(e, p) for e, p in json.loads(script[len(head) : -len(tail)])])
        self.is_free.wait(LIMIT)

    def next(self) -> list[tuple[str, Json]]:
        """The next batch."""
        return self._batches.get(timeout=LIMIT)

    @property
    def has_nothing(self) -> bool:
        return self._batches.empty()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr(module, "BATCH_SECONDS", 0.01)
    return Page()


def names(batch: list[tuple[str, Json]]) -> list[str]:
    return [event for event, _ in batch]


def test_a_page_is_sent_the_state_and_while_it_is_busy_only_the_last(page: Page) -> None:
    page.publisher.put(snapshot(1))
    assert page.has_nothing, "there is no page yet"
    for _ in range(2):
        page.publisher.begin()
        assert page.next() == [(SNAPSHOT.name, {"number": 1})]
    page.is_free.clear()
    page.publisher.put(GOTO.message({"page": "日志 \u2028"}))
    assert page.next() == [(GOTO.name, {"page": "日志 \u2028"})], "as it came"
    for number in range(2, 100):
        page.publisher.put(snapshot(number))
    page.is_free.set()
    assert page.next() == [(SNAPSHOT.name, {"number": 99})]
    assert page.has_nothing


def test_between_two_batches_there_is_a_pause(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert module.BATCH_SECONDS == 0.1
    page.publisher.begin()
    begun = time.monotonic()
    for number in range(3):
        page.publisher.put(snapshot(number))
        page.next()
    assert time.monotonic() - begun >= 2 * module.BATCH_SECONDS


def test_a_page_that_is_gone_takes_along_all_but_the_state(page: Page) -> None:
    page.publisher.begin()
    page.publisher.end()
    page.publisher.put(snapshot(1))
    page.publisher.put(line("old"))
    page.publisher.end()
    page.publisher.begin()
    page.publisher.put(line("new"))
    sent = page.next()
    while names(sent)[-1] != LOG.name:
        sent += page.next()
    assert names(sent) == [SNAPSHOT.name, LOG.name]
    assert sent[1][1]["chunk"] == "new"


def test_hidden_page_is_sent_the_latest_state_when_it_is_shown(page: Page) -> None:
    page.publisher.begin()
    page.publisher.pause()
    for number in range(3):
        page.publisher.put(snapshot(number))
        page.publisher.put(line(str(number)))
    assert page.has_nothing
    page.publisher.resume()
    (event, state), *lines = page.next()
    assert (event, state) == (SNAPSHOT.name, {"number": 2})
    assert [payload["chunk"] for _, payload in lines] == ["0", "1", "2"]


def test_newest_progress_and_every_log_line_are_sent(page: Page) -> None:
    for done in (1, 2):
        for name in ("a", "b"):
            page.publisher.put(progress(name, done))
            page.publisher.put(line(f"{name}{done}"))
    page.publisher.begin()
    batch = page.next()
    assert [payload for event, payload in batch if event == PROGRESS.name] == [
        {"id": "a", "done": 2},
        {"id": "b", "done": 2},
    ]
    lines = [payload["chunk"] for event, payload in batch if event == LOG.name]
    assert lines == ["a1", "b1", "a2", "b2"]


def test_waiting_lines_and_bytes_are_limited(page: Page) -> None:
    for number in range(LINES_KEPT + 10):
        page.publisher.put(line(str(number)))
    page.publisher.begin()
    batch = page.next()
    assert (len(batch), batch[0][1]["chunk"]) == (LINES_KEPT, "10")
    page.publisher.pause()
    long = "x" * (BYTES_KEPT // 4)
    for number in range(6):
        page.publisher.put(line(f"{number}{long}"))
    page.publisher.resume()
    assert [payload["chunk"][0] for _, payload in page.next()] == ["3", "4", "5"]
    for _ in range(2):
        page.publisher.put(line(2 * BYTES_KEPT * "y"))
        assert len(page.next()) == 1, "a message that is too long is sent alone"


def test_of_owners_only_the_last_is_heard(page: Page) -> None:
    page.publisher.put(snapshot(1))
    page.publisher.put(progress("a", 1))
    page.publisher.lost(LOST_MESSAGE)
    for _ in range(2):
        page.publisher.begin()
        assert names(page.next()) == [LOST.name]
    page.publisher.end()
    for number in (2, 3):
        page.publisher.lost(LOST_MESSAGE)
        page.publisher.put(snapshot(number))
    page.publisher.begin()
    batch = page.next()
    assert names(batch) == [LOST.name, SNAPSHOT.name]
    assert batch[-1][1] == {"number": 3}


def test_a_page_that_cannot_be_reached_misses_only_that_batch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "BATCH_SECONDS", 0.01)
    scripts: SimpleQueue[str] = SimpleQueue()

    def run(script: str) -> None:
        scripts.put(script)
        if "0" in script:
            raise ZeroDivisionError

    publisher = Publisher(run)
    publisher.start()
    publisher.begin()
    for number in range(2):
        publisher.put(snapshot(number))
        assert str(number) in scripts.get(timeout=LIMIT)
    assert caplog.messages == ["events can't be sent to the page"]
