"""The log store against a plain list of its lines, and what must not happen to its file."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store import batches
from aiserver_tray.core.logs.store.answers import Page
from aiserver_tray.core.logs.store.filter import LogFilter
from aiserver_tray.core.logs.store.line import Cursor, Kept, Line
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.core.logs.store.store import LogStore
from aiserver_tray.engine.values import LogStreamName

SECOND = 10**9
END = 1000
"""Seconds of the generated lines."""

LEVELS: tuple[Level, ...] = ("info", "error", "unknown")
STREAMS: tuple[LogStreamName, ...] = ("stdout", "stderr")

lines = some.builds(
    Line,
    time=some.integers(0, END - 1).map(SECOND.__mul__),
    module=some.sampled_from("abc"),
    service=some.sampled_from("xy"),
    stream=some.sampled_from(STREAMS),
    level=some.sampled_from(LEVELS),
    continues=some.booleans(),
    text=some.sampled_from(["", "GET /Index", "get", "naïve NAÏVE", "line\nend", "\ud800", "GE T"]),
)
times = some.none() | some.integers(-1, END).map(SECOND.__mul__)
filters = some.builds(
    LogFilter,
    modules=some.sampled_from([(), ("a",), ("a", "b")]),
    services=some.sampled_from([(), (("a", "x"), ("c", "y"))]),
    levels=some.frozensets(some.sampled_from(LEVELS), max_size=2),
    since=times,
    until=times,
    text=some.sampled_from(["", "get", "Ï"]),
    pattern=some.sampled_from(["", r"^get\s", "E", "x*$"]),
    streams=some.frozensets(some.sampled_from(STREAMS), max_size=1),
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", 300)


def naive(kept: Kept, wanted: LogFilter) -> bool:
    """Whether a filter wants a line, without any block."""
    text = kept.line.text
    return (
        wanted.wants(kept.line)
        and wanted.text.lower() in text.lower()
        and (not wanted.pattern or re.search(wanted.pattern, text) is not None)
    )


def paged(ask: Callable[[Cursor | None], Page], start: Cursor | None = None) -> list[Kept]:
    """All pages; each must get on."""
    found: list[Kept] = []
    while True:
        page = ask(start)
        found += page.lines
        if page.is_end:
            assert page.reached is None
            return found
        assert page.reached
        assert page.reached != start
        start = page.reached


@given(some.lists(some.lists(lines, min_size=1, max_size=30), max_size=12), filters, some.data())
@settings(deadline=None, max_examples=40)
@pytest.mark.usefixtures("small_blocks")
def test_every_question_gets_what_a_plain_list_says(
    batches_: Sequence[Sequence[Line]], wanted: LogFilter, data: some.DataObject
) -> None:
    with TemporaryDirectory() as folder, closing(LogStore(Path(folder) / "l.sqlite")) as store:
        every: list[Kept] = []
        store.observe(every.extend)
        for batch in batches_:
            store.add(batch)
        every.sort()
        reader = LogReader(store.path)
        limit = data.draw(some.integers(1, 50))
        budget = data.draw(some.sampled_from([0, 10]))
        expected = [kept for kept in map(stored, every) if naive(kept, wanted)]
        older = paged(lambda start: reader.older(wanted, start, limit, budget_seconds=budget))
        assert older[::-1] == expected
        newer = paged(
            lambda start: reader.newer(wanted, start or Cursor(-1, 0), limit, budget_seconds=budget)
        )
        assert newer == expected
        assert counted(reader, wanted, budget) == Counter(
            (kept.line.time // (100 * SECOND), kept.line.level) for kept in expected
        )


def stored(kept: Kept) -> Kept:
    """As a reader gets it: one line, of characters that UTF-8 has."""
    text = kept.line.text.replace("\n", "\u2424").encode("utf-8", "replace").decode()
    return kept._replace(line=kept.line._replace(text=text))


def counted(reader: LogReader, wanted: LogFilter, budget: float) -> "Counter[tuple[int, Level]]":
    """The histogram of all answers."""
    total: Counter[tuple[int, Level]] = Counter()
    reached: Cursor | None = None
    while True:
        answer = reader.histogram(
            wanted, 0, END * SECOND, END // 100, budget_seconds=budget, before=reached
        )
        for part, levels in enumerate(answer.buckets):
            total.update({(part, level): count for level, count in levels.items()})
        assert sum(answer.modules.values()) == sum(answer.levels.values())
        if answer.reached is None:
            return total
        assert answer.reached != reached
        reached = answer.reached
