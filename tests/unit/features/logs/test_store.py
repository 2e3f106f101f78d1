"""The log store against a plain list of its lines, and what must not happen to its file."""

import os
import random
import re
import sqlite3
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Level, Line, Mark
from aiserver_tray.features.logs.query import EVERY_NUMBER, LogFilter, Page
from aiserver_tray.features.logs.store import block, database, table
from aiserver_tray.features.logs.store import store as batches
from aiserver_tray.features.logs.store.database import LogStoreFullError
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from tests.support.kept_logs import limited_pages
from tests.unit.features.logs import killed_writer

ALL = LogFilter()
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
    numbers=some.sampled_from([EVERY_NUMBER, range(3, 20), range(15, 1 << 62)]),
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", 300)


def naive(every: Sequence[Kept], wanted: LogFilter) -> list[Kept]:
    """The lines of *every* that a filter wants, without any block, and as a reader gets them: one
    line, of characters that UTF-8 has."""
    found = []
    for kept in every:
        text = kept.line.text.replace("\n", "\u2424").encode("utf-8", "replace").decode()
        if (
            wanted.wants(kept.line)
            and kept.cursor.number in wanted.numbers
            and wanted.text.lower() in text.lower()
            and (not wanted.pattern or re.search(wanted.pattern, text) is not None)
        ):
            found.append(kept._replace(line=kept.line._replace(text=text)))
    return found


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
@settings(max_examples=40)
@pytest.mark.usefixtures("small_blocks")
def test_every_query_has_the_result_of_a_plain_list(
    batches_: Sequence[Sequence[Line]], wanted: LogFilter, data: some.DataObject
) -> None:
    with TemporaryDirectory() as folder, closing(LogStore(Path(folder) / "l.sqlite")) as store:
        every: list[Kept] = []
        store.observe(every.extend)
        for batch in batches_:
            store.add(batch)
        limit = data.draw(some.integers(1, 50))
        reader = LogReader(store.path, budget_seconds=data.draw(some.sampled_from([0, 10])))
        expected = naive(sorted(every), wanted)
        assert paged(lambda start: reader.older(wanted, start, limit))[::-1] == expected
        newer = paged(lambda start: reader.newer(wanted, start or Cursor(-1, 0), limit))
        assert newer == expected
        assert counted(reader, wanted) == Counter(
            (kept.line.time // (100 * SECOND), kept.line.level, is_entry)
            for kept in expected
            for is_entry in {False, not kept.line.continues}
        )


def counted(reader: LogReader, wanted: LogFilter) -> "Counter[tuple[int, Level, bool]]":
    """The histogram of all answers: lines, and entries (True)."""
    total: Counter[tuple[int, Level, bool]] = Counter()
    reached: Cursor | None = None
    while True:
        answer = reader.histogram(wanted, 0, END * SECOND, END // 100, before=reached)
        for is_entry, parts in enumerate((answer.buckets, answer.entries)):
            for part, levels in enumerate(parts):
                for level, count in levels.items():
                    total[part, level, bool(is_entry)] += count
        assert sum(answer.modules.values()) == sum(answer.levels.values())
        if answer.reached is None:
            return total
        assert answer.reached != reached
        reached = answer.reached


def line(second: float, text: str = "text", service: str = "a/x", level: Level = "info") -> Line:
    module, name = service.split("/")
    return Line(int(second * SECOND), module, name, "stdout", level, continues=False, text=text)


def texts(store: LogStore, wanted: LogFilter = ALL) -> list[str]:
    return [kept.line.text for kept in every_line(store, wanted)]


def every_line(store: LogStore, wanted: LogFilter = ALL) -> list[Kept]:
    """All that are kept, the oldest first."""
    return [*reversed(LogReader(store.path, inf).older(wanted, limit=10**6).lines)]


def write_each(path: Path, count: int, text: str = "") -> None:
    """Store so many lines one by one: the number of each, and *text*."""
    with closing(LogStore(path)) as store:
        for n in range(count):
            store.add([line(n, f"{n}{text}")])


@pytest.mark.usefixtures("small_blocks")
def test_a_cursor_stays_while_lines_are_packed(store: LogStore, reader: LogReader) -> None:
    store.add([line(n // 3, str(n)) for n in range(40)])
    found: list[Kept] = []
    reached: Cursor | None = None
    for number in range(10):
        page = reader.older(ALL, reached, limit=4)
        found += page.lines
        reached = page.reached
        store.add([line(100 + number, "later")] * 9)
    assert [kept.line.text for kept in found] == [str(n) for n in reversed(range(40))]
    middle = found[20]
    assert reader.around(middle.cursor, 1, 1)[1] == middle
    assert reader.newer(ALL, middle.cursor, 1).lines == [found[19]]


def test_no_number_comes_twice_even_if_all_lines_were_deleted(store: LogStore) -> None:
    store.add([line(1)] * 5)
    store.delete("a")
    store.close()
    store.add([line(1)])
    assert [kept.cursor.number for kept in every_line(store)] == [6]


@pytest.mark.parametrize("time", [-(10**30), 10**30])
def test_any_time_can_be_asked_for(store: LogStore, reader: LogReader, time: int) -> None:
    store.add([line(1)])
    assert len(reader.at(LogFilter(since=-(10**30)), time).lines) == (time > 0)
    assert reader.newer(LogFilter(until=time), Cursor(time, 0)).is_end
    assert reader.histogram(ALL, time, time + 1, 1).levels == {}
    assert reader.gaps(LogFilter(since=time, until=time)) == []


def test_a_file_that_a_writer_has_only_just_begun_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "logs.sqlite").touch()
    assert LogReader(tmp_path / "logs.sqlite").older(ALL).lines == []


def test_lines_of_thousands_of_services_are_kept_apart(store: LogStore, reader: LogReader) -> None:
    store.add([line(n, str(n), f"{n % 50}/{n % 2000}") for n in range(4000)])
    assert texts(store, LogFilter(services=(("7", "1907"),))) == ["1907", "3907"]
    answer = reader.histogram(ALL, 0, 4000 * SECOND, 1)
    assert answer.modules == dict.fromkeys(map(str, range(50)), 80)


@pytest.mark.usefixtures("small_blocks")
def test_logs_of_different_age_that_are_read_at_once_make_short_blocks(store: LogStore) -> None:
    """Otherwise each block would have the whole time, and each page would read all blocks."""
    logs = 10
    for step in range(100):
        store.add([line(step + 1000 * log, "some text", f"a/{log}") for log in range(logs)])
    with database.snapshot(store.path) as db:
        heads = [item.head for item in table.items(db, "true")]
    assert len(heads) > 50
    at_once = max(sum(head.first <= own.first <= head.last for head in heads) for own in heads)
    assert at_once < 20
    assert len(texts(store)) == 100 * logs


@pytest.mark.usefixtures("small_blocks")
def test_a_deleted_module_leaves_those_of_others(store: LogStore, reader: LogReader) -> None:
    mark, gaps = Mark("c", "stdout", 7, 8), [Gap("a", "x", 1, 2), Gap("b", "x", 1, 2)]
    store.add([line(n, "text", f"{'abc'[n % 3]}/x") for n in range(100)], [mark], gaps)
    store.add([line(200, "text", "a/x"), line(201, "text", "b/x")])
    before = every_line(store)
    first = {name: size.first for name, size in reader.sizes().items()}
    assert first == {"abc"[n]: before[n].line.time for n in range(3)}
    store.delete("a")
    assert every_line(store) == [kept for kept in before if kept.line.module != "a"]
    assert reader.gaps(ALL) == gaps[1:]
    assert store.marks("c") == {"stdout": mark}, "the lines would be stored again"
    assert set(reader.sizes()) == set("bc")


def test_old_lines_go_by_age_then_by_size(store: LogStore, reader: LogReader) -> None:
    day = 86400
    for n in range(20):
        noise = [random.Random(n * 1000 + k).randbytes(100).hex() for k in range(1000)]
        store.add([line(n * day + k, text) for k, text in enumerate(noise)])
    before = store.path.stat().st_size
    store.trim(now=20 * day * SECOND, keep_days=10.5, keep_bytes=10**9)
    oldest = reader.bounds()
    assert (oldest.first, oldest.lines) == (10 * day * SECOND, 10_000)
    assert store.path.stat().st_size < 0.7 * before
    store.trim(now=20 * day * SECOND, keep_days=10.5, keep_bytes=500_000)
    newest = reader.bounds()
    assert newest.last == 19 * day * SECOND + 999 * SECOND
    assert 1000 <= newest.lines < 6000
    assert store.path.stat().st_size <= 500_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="modes of Unix")
def test_only_the_user_can_read_its_files(store: LogStore) -> None:
    store.add([line(1)])
    modes = {file.name: file.stat().st_mode & 0o777 for file in store.path.parent.iterdir()}
    assert modes == dict.fromkeys(("logs.sqlite", "logs.sqlite-wal", "logs.sqlite-shm"), 0o600)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_killed_writer_loses_no_line_that_it_acknowledged(tmp_path: Path) -> None:
    words = [sys.executable, "-m", killed_writer.__name__, str(tmp_path / "l.sqlite"), "20"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20 * killed_writer.BATCH


@pytest.mark.parametrize("begin", [0, 4096], ids=["no database", "damaged"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, begin: int) -> None:
    path = tmp_path / "logs.sqlite"
    write_each(path, 100)
    content = bytearray(path.read_bytes())
    content[begin:] = b"\x55" * (len(content) - begin)
    path.write_bytes(content)
    aside: list[Path] = []
    with closing(LogStore(path, aside.append)) as store:
        store.add([line(1, "new")])
        assert texts(store) == ["new"]
    (file,) = aside
    assert file.read_bytes().endswith(content[4096:])


PAGE = 4096


def damage(path: Path, how: str) -> int:
    """Damage the file in some way. Returns how many of a hundred lines may be lost by that."""
    content = bytearray(path.read_bytes())
    # Most pages have nothing but a part of the text of a block.
    middle = len(content) // PAGE // 2 * PAGE
    match how:
        case "zeroed page":
            content[middle : middle + PAGE] = bytes(PAGE)
        case "zeroed first page":
            content[:PAGE] = bytes(PAGE)
        case "truncated":
            del content[middle:]
        case "overwritten":
            content[middle:] = b"\x55" * (len(content) - middle)
    path.write_bytes(content)
    return {"zeroed page": 20, "zeroed first page": 0}.get(how, 80)


@pytest.mark.parametrize(
    "how", ["zeroed page", "zeroed first page", "truncated", "overwritten"], ids=str
)
def test_what_can_be_read_of_a_damaged_file_is_read_again(tmp_path: Path, how: str) -> None:
    path = tmp_path / "logs.sqlite"
    mark = Mark("id", "stdout", 99, 99)
    with closing(LogStore(path)) as store:
        for n in range(100):
            store.add([line(n, f"{n} {random.Random(n).randbytes(9000).hex()}")], [mark])
    may_lose = damage(path, how)
    with closing(LogStore(path)) as store:

        def renew(file: int) -> bool:
            store.renew(file)
            return True

        reader = LogReader(path, 600, renew)
        seen = reader.newer(ALL, Cursor(-1, 0), 1000)
        store.add([line(200, "new")])
        while (progress := store.salvage()) and not progress.is_over:
            store.add([line(201, "later")])
        page = reader.newer(ALL, Cursor(-1, 0), 1000)
        assert store.marks("id") == {"stdout": mark}
        gaps = reader.gaps(ALL)
    found = [kept.line.text.split(" ")[0] for kept in page.lines]
    old = found[: found.index("new")]
    assert old == sorted({*old}, key=int), "each once, in order"
    assert 100 - may_lose <= len(old) <= 100
    assert len({kept.cursor.number for kept in page.lines}) == len(found)
    if how == "zeroed page":
        assert gaps == [*seen.damaged]
        assert len(gaps) == 1


def test_a_damaged_file_is_moved_once_the_disk_has_room(tmp_path: Path) -> None:
    path = tmp_path / "logs.sqlite"
    marks = [Mark(f"{number:064}", "stdout", 5, 5) for number in range(3000)]
    with closing(LogStore(path)) as store:
        store.add([line(n, str(n), "b/x") for n in range(5)], marks)
    damage(path, "zeroed first page")
    aside: list[Path] = []
    with limited_pages(), pytest.raises(LogStoreFullError):
        LogStore(path, aside.append)
    assert aside == [tmp_path / "logs.damaged-1.sqlite"]
    with closing(LogStore(path)) as store:
        store.add([line(5, "5", "a/x")])
        moved(store)
        assert [kept.cursor.number for kept in every_line(store)] == [1, 2, 3, 4, 5, 6]
        assert [kept.line.module for kept in every_line(store)] == [*"bbbbba"]
        assert store.marks(marks[0].container) == {"stdout": marks[0]}
    assert aside[0].with_name("logs.damaged.sqlite").exists()
    assert not aside[0].exists()


def test_each_next_process_goes_on_with_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "logs.sqlite"
    write_each(path, 200)
    for last in (200, 201):
        damage(path, "zeroed first page")
        with closing(LogStore(path)) as store:
            progress = store.salvage()
            assert progress
            assert not progress.is_over
            store.add([line(last, str(last))])
    with closing(LogStore(path)) as store:
        moved(store)
        assert texts(store) == [str(n) for n in range(202)]


def moved(store: LogStore) -> None:
    """Move all that can be read of damaged files."""
    while store.salvage():
        pass


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("part", "text"), [("columns", []), ("body", ["\ufffd"])])
def test_a_damaged_block_hides_no_other(store: LogStore, part: str, text: list[str]) -> None:
    for n in range(3):
        store.add([line(n, f"{n} " * 400, "ab"[n % 2] + "/x")])
    with closing(sqlite3.connect(store.path)) as db, db:
        (row, stored) = db.execute(f"SELECT id, {part} FROM data ORDER BY id").fetchall()[1]
        db.execute(f"UPDATE data SET {part} = ? WHERE id = ?", (stored[:-1] + b"x", row))
    before, damaged, after = texts(store)[:1], texts(store)[1:-1], texts(store)[-1:]
    assert [before[0][0], after[0][0], damaged] == ["0", "2", text]
    assert [found[0] for found in texts(store, LogFilter(text="0"))] == ["0"]
    store.delete("a")
    assert texts(store) == text


BOMB = block.pack(bytes(64 << 20))
"""Two kilobytes that unpack to 64 MiB."""


@pytest.mark.parametrize("content", [b"", None, "text", b"\n", BOMB])
@pytest.mark.parametrize("part", ["columns", "body"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_block_that_is_none_is_a_gap_and_costs_no_other_line(
    store: LogStore,
    monkeypatch: pytest.MonkeyPatch,
    content: object,
    part: str,
    is_packed: bool,  # noqa: FBT001 - pytest's
) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", 800 if is_packed else 4000)
    for n in range(3):
        store.add([line(n, f"{n} " * 150)] * 3)
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute(
            f"UPDATE data SET {part} = ? WHERE id = (SELECT id FROM block WHERE first = {SECOND})",
            [content],
        )
    tracemalloc.start()
    page = LogReader(store.path, budget_seconds=600).older(ALL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < block.MAX_UNPACKED * 3
    assert page.damaged == [Gap("a", "x", SECOND, SECOND)]
    assert [kept.line.text[0] for kept in page.lines if kept.line.text != "\ufffd"] == [*"222000"]
    store.add([line(n, f"{n} " * 150) for n in range(3, 9)])
    assert [text[0] for text in texts(store) if text != "\ufffd"] == [*"000222345678"]


@pytest.mark.usefixtures("small_blocks")
def test_random_damage_is_no_bug_and_the_store_goes_on(store: LogStore) -> None:
    chance = random.Random(1)
    reader = LogReader(store.path, 10)
    tables = {"data": ("columns", "body"), "block": ("tags", "lines", "number", "first")}
    for n in range(80):
        store.add([line(n * 10 + k, f"{n} {k} ü", chance.choice(["a/x", "b/y"])) for k in range(5)])
        with closing(sqlite3.connect(store.path)) as db, db:
            name = chance.choice([*tables])
            part = chance.choice(tables[name])
            rows = db.execute(f"SELECT id, {part} FROM {name} ORDER BY id").fetchall()
            row, value = chance.choice(rows)
            if isinstance(value, bytes):
                where = chance.randrange(len(value) + 1)
                value = value[:where] + chance.randbytes(chance.randrange(9)) + value[where + 1 :]
            else:
                value = chance.choice([0, -1, 1 << 62, value + 1])
            db.execute(f"UPDATE {name} SET {part} = ? WHERE id = ?", [value, row])
        wanted = LogFilter(text="ü") if n % 2 else ALL
        reader.older(wanted)
        reader.newer(wanted, Cursor(0, 0))
        reader.histogram(wanted, 0, 3000, 10)
        reader.sizes()
        reader.gaps(wanted)
    store.delete("a")
    store.trim(0, 1, 0)
    store.add([line(1, "new")])
    assert texts(store) == ["new"]


def test_a_full_disk_is_an_error_that_stores_nothing_and_passes(store: LogStore) -> None:
    mark = [Mark("c", "stdout", 1, 1)]
    noise = [line(n, random.Random(n).randbytes(5000).hex()) for n in range(300)]
    store.add([line(0, "before")], mark)
    store.close()  # the next call opens it
    with limited_pages():
        with pytest.raises(LogStoreFullError):
            store.add(noise, [Mark("c", "stdout", 2, 2)])
        assert texts(store) == ["before"]
    store.close()
    store.add([line(1, "after", "b/new")])
    assert texts(store) == ["before", "after"]
    assert store.marks("c") == {"stdout": mark[0]}
