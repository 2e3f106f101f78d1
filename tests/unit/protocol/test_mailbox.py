"""What waits for a client."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest

from aiserver_tray.protocol import hub
from aiserver_tray.protocol.hub import Mailbox
from tests.support.limits import LIMIT


@pytest.fixture
def full() -> Event:
    return Event()


@pytest.fixture
def box(full: Event) -> Iterator[Mailbox]:
    box = Mailbox(full.set)
    yield box
    box.close()


def test_frames_are_sent_in_order_and_none_after_the_end(box: Mailbox) -> None:
    box.put(b"old", "a")
    box.put(b"line")
    box.put(b"other", "b")
    box.put(b"new", "a")
    assert box.take() == [b"line", b"other", b"new"]
    box.put(b"newer", "a")
    assert box.take() == [b"newer"]
    for frame in (b"1", b"2", b"2"):
        box.put(frame)
    assert box.take() == [b"1", b"2", b"2"]
    box.put(b"1")
    box.close()
    box.put(b"2")
    assert box.take() == [b"1"]
    assert box.take() is None


def test_take_waits_for_a_frame_or_the_end_or_the_timeout(box: Mailbox) -> None:
    assert box.take(0.0) == []
    Thread(target=box.put, args=(b"1",)).start()
    assert box.take(LIMIT) == [b"1"]
    Thread(target=box.close).start()
    assert box.take(LIMIT) is None


def test_a_client_that_reads_nothing_overflows_it_and_ends_it(
    box: Mailbox, full: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_BYTES", 10)
    for _ in range(5):
        for _ in range(5):
            box.put(b"123456", "snapshot")
        box.put(b"7890")
        assert box.take() == [b"123456", b"7890"], "only waiting frames count"
    box.put(b"12345")
    box.put(b"67890")
    assert not full.is_set()
    box.put(b"1")
    assert full.is_set()
    box.put(b"2")
    assert box.take() is None
