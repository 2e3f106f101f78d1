"""Those who follow get each line once, however slow they are, and the writer never waits."""

from collections.abc import Iterator
from contextlib import closing
from math import inf
from queue import SimpleQueue
from threading import Thread

import pytest

from aiserver_tray.features.logs.follow import (
    BATCH_CHARACTERS,
    BATCH_LINES,
    MAX_WAITING_BYTES,
    MAX_WAITING_CHARACTERS,
    MAX_WAITING_LINES,
    Batch,
    Following,
    LineFeed,
    Matcher,
)
from aiserver_tray.features.logs.line import Cursor, Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from tests.support.limits import LIMIT

SECOND = 10**9
EVERY = Matcher(LogFilter())


def line(number: int, text: str = "line") -> Line:
    """The line of second *number*."""
    return Line(
        number * SECOND, "web", "app", "stdout", "info", continues=False, text=f"{text} {number}"
    )


@pytest.fixture
def feed(store: LogStore) -> Iterator[LineFeed]:
    with closing(LineFeed(store.observe, LogReader(store.path).newest_number)) as feed:
        yield feed


def test_a_line_is_either_in_the_history_or_in_the_stream(store: LogStore, feed: LineFeed) -> None:
    batches: SimpleQueue[Batch] = SimpleQueue()
    begun: SimpleQueue[None] = SimpleQueue()

    def write() -> None:
        for number in range(400):
            # Of two services, the times of one are behind.
            store.add([line(number), line(number - 50, "late")])
            if number == 100:
                begun.put(None)

    writer = Thread(target=write)
    writer.start()
    begun.get(timeout=LIMIT)
    until = feed.add(Following(EVERY, batches.put, lambda: 0))
    kept = LogReader(store.path, inf).newer(LogFilter(), Cursor(-100 * SECOND, 0), 1000).lines
    seen = [one.line.text for one in kept if one.cursor.number <= until]
    while len(seen) < 800:
        seen += [one.line.text for one in batches.get(timeout=LIMIT).lines]
    writer.join()
    assert sorted(seen) == sorted(
        text for n in range(400) for text in (f"line {n}", f"late {n - 50}")
    )
    assert batches.empty()


def times(batches: SimpleQueue[Batch]) -> list[int]:
    """In the next batch."""
    return [kept.line.time // SECOND for kept in batches.get(timeout=LIMIT).lines]


def test_a_client_gets_what_it_wants_until_it_is_removed(store: LogStore, feed: LineFeed) -> None:
    odd, every = SimpleQueue[Batch](), SimpleQueue[Batch]()
    following = Following(Matcher(LogFilter(pattern="odd$")), odd.put, lambda: 0)
    feed.add(following)
    feed.add(Following(EVERY, every.put, lambda: 0))
    store.add([line(time)._replace(text="odd" if time % 2 else "even") for time in range(4)])
    assert times(odd) == [1, 3]
    feed.remove(following)
    store.add([line(5)._replace(text="odd")])
    assert times(every) == [0, 1, 2, 3]
    assert times(every) == [5]
    assert odd.empty()


def test_for_a_slow_client_the_oldest_lines_are_dropped(store: LogStore, feed: LineFeed) -> None:
    batches: SimpleQueue[Batch] = SimpleQueue()
    waiting = [MAX_WAITING_BYTES + 1]
    following = Following(EVERY, batches.put, lambda: waiting[0])
    quick: SimpleQueue[Batch] = SimpleQueue()
    feed.add(following)
    feed.add(Following(EVERY, quick.put, lambda: 0))
    wanted = MAX_WAITING_LINES + 700
    for first in range(0, wanted, 100):
        store.add([line(number) for number in range(first, first + 100)])
    while quick.get(timeout=LIMIT).total < wanted:
        pass
    assert batches.empty()
    waiting[0] = 0
    store.add([line(wanted)])
    batch = batches.get(timeout=LIMIT)
    assert (batch.dropped, len(batch.lines)) == (batch.total - BATCH_LINES, BATCH_LINES)
    assert 700 <= batch.dropped <= 701  # with the last line or before it
    assert batch.lines[0].line.text == f"line {batch.dropped}"
    last = batch
    while last.total < wanted + 1:
        last = batches.get(timeout=LIMIT)
        assert last.dropped <= 1
    assert last.lines[-1].line.text == f"line {wanted}"


def test_long_lines_come_in_more_batches_and_fewer_wait(store: LogStore, feed: LineFeed) -> None:
    batches: SimpleQueue[Batch] = SimpleQueue()
    feed.add(Following(EVERY, batches.put, lambda: 0))
    long = BATCH_CHARACTERS // 2
    store.add([line(number, long * "x") for number in range(20)])
    numbers: list[int] = []
    first = batch = batches.get(timeout=LIMIT)
    while batch.total < 20:
        numbers += [kept.line.time // SECOND for kept in batch.lines]
        assert len(batch.lines) == 1
        batch = batches.get(timeout=LIMIT)
    assert first.dropped == 20 - len(numbers) - 1 >= MAX_WAITING_CHARACTERS // long
    assert numbers == [*range(first.dropped, 19)]
