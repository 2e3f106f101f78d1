"""Blocks in the tables of the file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from aiserver_tray.features.logs.store import block
from aiserver_tray.features.logs.store.block import Columns, Head, Rows, Stored, UnpackError
from aiserver_tray.features.logs.store.database import is_damage

_HEAD = 'first, last, lines, number, "end", tags'


class DamagedPageError(UnpackError):
    """SQLite can't read the block. The file can't be changed there either."""


class Item(NamedTuple):
    """A stored block."""

    id: int
    pile: int | None
    """of a batch, which is not packed"""
    size: int
    head: Head


def items(
    db: sqlite3.Connection, condition: str, parameters: Sequence[object] = ()
) -> Iterator[Item]:
    """The blocks that fulfil an SQL condition, which may also state an order."""
    found = db.execute(f"SELECT id, pile, size, {_HEAD} FROM block WHERE {condition}", parameters)
    for number, pile, size, *columns in found:
        head = Head(*columns)
        has_tags = isinstance(head.tags, bytes) and len(head.tags) % 8 == 0
        # Without tags, nobody wants the block, and it can be deleted.
        yield Item(
            number, pile, size, head if has_tags and head.lines > 0 else head._replace(tags=b"")
        )


def next_number(db: sqlite3.Connection) -> int:
    """The number of the next line. It is stored only before lines are deleted."""
    counter = "coalesce((SELECT number FROM counter), 1)"
    found = db.execute(f'SELECT max({counter}, coalesce(max("end"), 1)) FROM block')
    return int(found.fetchone()[0])


def store_next_number(db: sqlite3.Connection, number: int) -> None:
    """Before lines are deleted: no number is used twice."""
    db.execute("DELETE FROM counter")
    db.execute("INSERT INTO counter VALUES(?)", (number,))


def insert(db: sqlite3.Connection, stored: Stored, pile: int | None) -> int:
    """Store a block, packed if it is in no pile; its size."""
    return _write(db, None, stored, pile)


def replace(db: sqlite3.Connection, item: Item, stored: Stored) -> None:
    """Store *stored* in the place of *item*."""
    _write(db, item.id, stored, item.pile)


def copy(db: sqlite3.Connection, item: Item, columns: bytes, body: bytes) -> None:
    """Store a block of another file as it is."""
    row = db.execute(
        f"INSERT INTO block(pile, size, {_HEAD}) VALUES(?,?,?,?,?,?,?,?)",
        (item.pile, item.size, *item.head),
    ).lastrowid
    db.execute("INSERT OR REPLACE INTO data VALUES(?,?,?)", (row, columns, body))


def note_gap(db: sqlite3.Connection, item: Item) -> None:
    """Note that the lines of a block are lost."""
    query = "INSERT INTO gap SELECT module, service, ?, ? FROM source WHERE id=?"
    sources = {block.source_of(tag) for tag in item.head.counts()[0]}
    rows = [(item.head.first, item.head.last, source) for source in sources]
    db.executemany(query, rows)


def _write(db: sqlite3.Connection, row: int | None, stored: Stored, pile: int | None) -> int:
    columns, body = stored.columns, stored.body
    if pile is None:
        columns, body = block.pack(columns), block.pack(body)
    size = len(columns) + len(body)
    row = db.execute(
        f"INSERT OR REPLACE INTO block(id, pile, size, {_HEAD}) VALUES(?,?,?,?,?,?,?,?,?)",
        (row, pile, size, *stored.head),
    ).lastrowid
    db.execute("INSERT OR REPLACE INTO data VALUES(?,?,?)", (row, columns, body))
    return size


def delete(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    rows = [(number,) for number in ids]
    db.executemany("DELETE FROM data WHERE id=?", rows)
    db.executemany("DELETE FROM block WHERE id=?", rows)


def columns(db: sqlite3.Connection, item: Item) -> Columns:
    """The columns of a block.

    Raises:
        UnpackError: they are damaged.
    """
    return block.columns(item.head, _part(db, item, "columns"))


def body(db: sqlite3.Connection, item: Item) -> bytes:
    """The texts of a block together.

    Raises:
        UnpackError: they are damaged.
    """
    return _part(db, item, "body")


def texts(item: Item, body: bytes) -> list[bytes]:
    """The texts in the *body* of a block, one for each of its lines.

    Raises:
        UnpackError: it has fewer or more.
    """
    found = body.split(b"\n")
    if len(found) != item.head.lines:
        raise UnpackError
    return found


def rows(db: sqlite3.Connection, item: Item) -> Rows:
    """The lines of a block.

    Raises:
        UnpackError: it is damaged.
    """
    return block.rows(item.head, columns(db, item), texts(item, body(db, item)))


def _part(db: sqlite3.Connection, item: Item, name: str) -> bytes:
    query = f"SELECT {name} FROM data WHERE id=?"
    try:
        (stored,) = db.execute(query, (item.id,)).fetchone() or (None,)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise DamagedPageError from error
    if not isinstance(stored, bytes):
        raise UnpackError
    return block.unpack(stored) if item.pile is None else stored
