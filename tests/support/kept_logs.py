"""What the log store of a home has, and a full disk for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.kept import file_of_logs
from aiserver_tray.features.logs.line import Cursor, Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store import database
from aiserver_tray.features.logs.store.reader import LogReader


def kept(home: Path, module: str, *streams: LogStreamName) -> list[str]:
    """The texts of the lines of *module*, from *streams* or all, the oldest first."""
    wanted = LogFilter(modules=(module,), streams=frozenset(streams))
    return [line.text for line in kept_lines(home, wanted)]


def kept_lines(home: Path, wanted: LogFilter) -> Iterator[Line]:
    """The *wanted* lines, the oldest first."""
    reader, cursor = LogReader(file_of_logs(home)), Cursor(0, 0)
    while True:
        page = reader.newer(wanted, cursor, 10_000)
        yield from (line for _, line in page.lines)
        if page.is_end or page.reached is None:
            return
        cursor = page.reached


@contextmanager
def limited_pages() -> Iterator[None]:
    """SQLite reports a full disk at its limit of pages, as the disk can't be filled here."""
    begun = database.open_writer

    def limited(path: Path) -> sqlite3.Connection:
        db = begun(path)
        db.execute("PRAGMA max_page_count=30")
        return db

    with mock.patch.object(database, "open_writer", limited):
        yield
