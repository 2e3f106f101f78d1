"""What the log store costs, beside a plain table for storing and `grep` over text for searching."""

import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from tests.bench.result import Action, Figure, Result, Results, compare, seconds
from tests.support.log_lines import BATCH_LINES, fill, log_lines, repeat

MILLION = 1_000_000
LINES_A_SECOND = 3000
LITERAL, PATTERN = "NoSuchWord", "tas[kc] [0-9]+ was lost"
"""Neither has a hit."""
LONG = 600.0
"""Seconds of a budget that is never used up."""

_PAGE = "reader.older(LogFilter())"
_SEARCH = f"LogReader(Path(sys.argv[1]), {LONG}).older(LogFilter(pattern={PATTERN!r}))"
_WRITER = """
import sys
from itertools import islice
from pathlib import Path
from aiserver_tray.features.logs.store.store import LogStore
from tests.support.log_lines import log_lines
store = LogStore(Path(sys.argv[1]))
lines = log_lines()
for _ in range(200):
    batch = list(islice(lines, 750))
"""
_READER = """
import sys
from pathlib import Path
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader
reader = LogReader(Path(sys.argv[1]))
"""


def logstore(pairs: int) -> Results:
    """All figures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        return {**storing(folder, pairs), **searching(folder, pairs), **reading(folder, pairs)}


def storing(folder: Path, pairs: int) -> Results:
    """Seconds for 100,000 lines in batches, with the processor's share at full speed."""
    lines = list(islice(log_lines(), 100_000))
    names = map(str, count())
    shares: list[float] = []

    def ours() -> None:
        with closing(LogStore(folder / next(names))) as store:
            begun = time.process_time()
            for batch in _batches(lines):
                store.add(batch)
            shares.append((time.process_time() - begun) / len(lines) * LINES_A_SECOND * 100)

    def theirs() -> None:
        with closing(sqlite3.connect(folder / next(names), isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("CREATE TABLE line(time, module, service, stream, level, continues, text)")
            db.execute("CREATE INDEX line_time ON line(time)")
            for batch in _batches(lines):
                db.execute("BEGIN")
                db.executemany("INSERT INTO line VALUES(?,?,?,?,?,?,?)", batch)
                db.execute("COMMIT")

    compared = compare(ours, theirs, pairs)
    path = folder / next(names)
    grown = _peak(path, _WRITER + "    store.add(batch)") - _peak(path, _WRITER)
    return {
        "logstore-add-100k-by-table": compared,
        "logstore-add-cpu": Figure(statistics.median(shares), "% of a core", 2.0),
        "logstore-add-memory": Figure(grown / 1e6, "MB", 8),
    }


def _batches(lines: Sequence[Line]) -> Sequence[Sequence[Line]]:
    return [lines[begin : begin + BATCH_LINES] for begin in range(0, len(lines), BATCH_LINES)]


def searching(folder: Path, pairs: int) -> Results:
    """A search without a hit through a million lines, and its memory."""
    path, text = folder / "million.sqlite", folder / "million.txt"
    with closing(LogStore(path)) as store:
        fill(store, MILLION)
    reader = LogReader(path, LONG)
    _write_text(reader, text)
    results: dict[str, Result] = {
        "logstore-bytes-a-line": Figure(path.stat().st_size / MILLION, "bytes", 45)
    }
    for name, wanted, words in (
        ("literal", LogFilter(text=LITERAL), ["-iF", LITERAL]),
        ("pattern", LogFilter(pattern=PATTERN), ["-E", PATTERN]),
    ):
        ours = partial(reader.older, wanted)
        compared = compare(ours, partial(_grep, words, text), pairs)
        results[f"logstore-{name}-by-grep"] = compared
        results[f"logstore-{name}"] = Figure(statistics.median(compared.ours), "s", 1.0)
    grown = _peak(path, _READER + _SEARCH) - _peak(path, _READER + _PAGE)
    return {**results, "logstore-search-memory": Figure(grown / 1e6, "MB", 10)}


def _write_text(reader: LogReader, path: Path) -> None:
    """All texts as a plain file."""
    with path.open("w", encoding="utf-8") as file:
        page = reader.older(LogFilter(), limit=MILLION // 10)
        part = "".join(kept.line.text + "\n" for kept in page.lines)
        for _ in range(10):
            file.write(part)


def _grep(words: Sequence[str], path: Path) -> None:
    subprocess.run(["grep", "-c", *words, path], stdout=subprocess.DEVNULL, check=False)


def _peak(path: Path, program: str) -> int:
    """The most memory of a process that runs a program on a file."""
    words = [sys.executable, "-c", program, str(path)]
    command = [sys.executable, "-m", "tests.bench.peak", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def reading(folder: Path, pairs: int) -> Results:
    """The first page, a jump to any time, and the histogram of ten million lines."""
    path = folder / "million.sqlite"
    repeat(path, 10)
    reader = LogReader(path)
    bounds = reader.bounds()
    assert bounds.first
    assert bounds.last
    begin, end = bounds.first, bounds.last
    chance = random.Random(0)

    def median(action: Action) -> float:
        action()
        return statistics.median(seconds(action) for _ in range(4 * pairs)) * 1000

    everything = partial(LogReader(path, LONG).histogram, LogFilter(), begin, end, 400)
    errors = LogFilter(levels=frozenset({"error"}))
    return {
        "logstore-lines": Figure(bounds.lines / MILLION, "million"),
        "logstore-newest-200": Figure(median(partial(reader.older, LogFilter())), "ms", 50),
        "logstore-newest-200-errors": Figure(median(partial(reader.older, errors)), "ms", 50),
        "logstore-jump": Figure(
            median(lambda: reader.at(LogFilter(), chance.randrange(begin, end))), "ms", 150
        ),
        "logstore-histogram": Figure(median(everything), "ms"),
    }
