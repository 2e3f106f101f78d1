"""Moving what can be read of a damaged file into a new one.

SQLite ends a query at the first damaged page. So each block is read by itself, and the numbers of
the blocks come from every way that leads to some of them.
"""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiserver_tray.features.logs.store import database, table

_STEP_BLOCKS: Final = 50
_PAGE_BYTES: Final = 4096
"""Of SQLite, unless it is told otherwise."""
_SAFE_NUMBERS: Final = 1 << 20
"""Numbers of lines that are left out, where the greatest one can't be read."""
_WAYS: Final = (
    "INDEXED BY block_last ORDER BY last DESC",
    "INDEXED BY block_last ORDER BY last",
    "INDEXED BY block_first ORDER BY first",
    "NOT INDEXED ORDER BY id DESC",
    "NOT INDEXED ORDER BY id",
)
_SMALL: Final = ("source", "mark", "gap", "aside")


@dataclass(frozen=True)
class Progress:
    """How much of a damaged file was read again, in blocks."""

    done: int
    total: int
    lost: int
    """Those that can't be read."""

    @property
    def percent(self) -> int:
        return 100 * self.done // max(1, self.total)

    @property
    def is_over(self) -> bool:
        return self.done >= self.total


def begin(path: Path, db: sqlite3.Connection, next_number: int) -> None:
    """Begin to move the damaged files of the store at *path* into its new file *db*, unless that
    was done: it gets their services, marks and gaps. No line may be stored before, because the
    blocks have the numbers of the services. *next_number*: of the next line, as far as it is known.

    Raises:
        sqlite3.Error: *db* can't be written.
    """
    begun = {file for (file,) in db.execute("SELECT file FROM aside")}
    for aside in database.asides(path):
        if aside.name not in begun:
            begun |= _begin(aside, db, next_number)


def _begin(aside: Path, db: sqlite3.Connection, next_number: int) -> set[str]:
    """Returns the names of all files that were begun, also while *aside* was the store."""
    with closing(_opened(aside)) as old, database.transaction(db):
        for name in _SMALL:
            _copy_table(old, db, name)
        heads = [_item(old, id) for id in _block_ids(old)]
        ends = [item.head.end for item in heads if item]
        is_sure = all(heads) and not _is_broken(old, "SELECT number FROM counter")
        reserve = 0 if is_sure else _SAFE_NUMBERS
        known = [next_number, table.next_number(db), *ends, *_counter(old)]
        table.store_next_number(db, max(known) + reserve)
        db.execute("INSERT OR REPLACE INTO aside VALUES(?, 0, 0)", (aside.name,))
        return {file for (file,) in db.execute("SELECT file FROM aside")}


class Salvage:
    """Moves the blocks of the damaged file *aside* of the store at *path* into its open database
    *db*, the newest first. A process that ends meanwhile leaves the rest to the next one.

    Every method may raise `sqlite3.Error` because of *db*; nothing of *aside* does.
    """

    def __init__(self, path: Path, aside: Path, db: sqlite3.Connection) -> None:
        self._path = path
        self._aside = aside
        self._done: int
        self._lost: int
        query = "SELECT done, lost FROM aside WHERE file=?"
        self._done, self._lost = db.execute(query, (aside.name,)).fetchone()
        with closing(_opened(aside)) as old:
            self._ids = _block_ids(old)

    @property
    def progress(self) -> Progress:
        return Progress(self._done, len(self._ids), self._lost)

    def step(self, db: sqlite3.Connection) -> None:
        """Move some blocks."""
        ids = self._ids[self._done : self._done + _STEP_BLOCKS]
        with closing(_opened(self._aside)) as old, database.transaction(db):
            lost = sum(not _copy_block(old, db, id) for id in ids)
            done = self._done + len(ids)
            now = (done, self._lost + lost, self._aside.name)
            db.execute("UPDATE aside SET done=?, lost=? WHERE file=?", now)
        self._done, self._lost = done, self._lost + lost
        if self.progress.is_over:
            database.keep_moved(self._path, self._aside)
            db.execute("DELETE FROM aside WHERE file=?", (self._aside.name,))


def _opened(path: Path) -> sqlite3.Connection:
    """A damaged file; if its first page says nothing, with the first page of a new file, which has
    its tables at the same places."""
    if not path.exists():  # somebody has removed it
        return sqlite3.connect(":memory:")
    db = sqlite3.connect(path, isolation_level=None)
    if _is_broken(db, "SELECT id FROM block LIMIT 1") and _is_broken(db, "SELECT id FROM source"):
        db.close()
        with suppress(OSError):
            _replace_first_page(path)
        db = sqlite3.connect(path, isolation_level=None)
    return db


def _replace_first_page(path: Path) -> None:
    with TemporaryDirectory() as folder:
        new = Path(folder, "new")
        database.open_writer(new).close()
        page = bytearray(new.read_bytes()[:_PAGE_BYTES])
    # https://www.sqlite.org/fileformat.html#the_database_header
    page[28:32] = (path.stat().st_size // _PAGE_BYTES).to_bytes(4, "big")
    page[92:96] = page[24:28]  # so that the size above counts
    page[32:40] = bytes(8)  # no free pages: nothing is written
    with path.open("r+b") as file:
        file.write(page)


def _is_broken(db: sqlite3.Connection, query: str) -> bool:
    try:
        db.execute(query).fetchone()
    except sqlite3.Error:
        return True
    return False


def _rows(db: sqlite3.Connection, query: str) -> list[Any]:
    """The rows up to the first damaged page."""
    found: list[Any] = []
    with suppress(sqlite3.Error):
        found.extend(db.execute(query))
    return found


def _copy_table(old: sqlite3.Connection, db: sqlite3.Connection, name: str) -> None:
    for order in ("", "ORDER BY 1 DESC"):
        for row in _rows(old, f"SELECT * FROM {name} {order}"):
            places = ",".join("?" * len(row))
            if name != "gap" or not order:  # only gaps have no key
                db.execute(f"INSERT OR IGNORE INTO {name} VALUES({places})", row)


def _counter(old: sqlite3.Connection) -> list[int]:
    return [number for (number,) in _rows(old, "SELECT number FROM counter")]


def _block_ids(old: sqlite3.Connection) -> list[int]:
    """The numbers of all blocks that can be found, of the newest lines first."""
    found = {row[0]: None for way in _WAYS for row in _rows(old, f"SELECT id FROM block {way}")}
    return [*found]


def _item(old: sqlite3.Connection, id: int) -> table.Item | None:
    with suppress(sqlite3.Error):
        return next(table.items(old, "id=?", (id,)), None)
    return None


def _copy_block(old: sqlite3.Connection, db: sqlite3.Connection, id: int) -> bool:
    """Move a block; whether it can be read. The time of a lost one becomes a gap."""
    if (item := _item(old, id)) is None:
        return False
    for columns, body in _rows(old, f"SELECT columns, body FROM data WHERE id={id}"):
        table.copy(db, item, columns, body)
        return True
    table.note_gap(db, item)
    return False
