"""Batches of new lines, and the packed blocks that are made of them.

A batch is stored as it is. When the batches of a pile hold enough, they become one packed block.
Lines that are much older than the newest one, as when the log of a container is read that ran
before, have a pile for each service. So each block has a short time, and the lines of a time are in
few blocks, even if 30 logs of different age are read at once."""

import sqlite3
from collections.abc import Iterator, Sequence

from aiserver_tray.core.logs.store import block, table
from aiserver_tray.core.logs.store.block import Kind, Rows
from aiserver_tray.core.logs.store.line import Line

BLOCK_BYTES = 256 * 1024
LIVE = 0
"""The pile of lines that are stored about when they were written. Others have the source's."""
_LATE_NS = 60 * 10**9

Key = tuple[object, ...]


class _Tags(dict[Key, int]):
    """Module, service, stream, level, continues -> the tag. New services become sources."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__()
        self._db = db

    def __missing__(self, key: Key) -> int:
        module, service, stream, level, continues = key
        source = self._db.execute(
            "INSERT INTO source(module, service) VALUES(?,?) "
            "ON CONFLICT DO UPDATE SET module=module RETURNING id",
            (module, service),
        ).fetchone()[0]
        kind = Kind(stream, level, continues)  # type: ignore[arg-type]
        self[key] = found = block.tag(source, kind)
        return found


class Batches:
    """What the writer knows of an open file. After a failed transaction, a new one is created."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._tags = _Tags(db)
        self.next = table.next_number(db)
        """the number of the next line"""
        self._newest: int = db.execute("SELECT max(last) FROM block").fetchone()[0] or 0
        self._sizes: dict[int, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read again how much the piles hold."""
        self._sizes = dict(
            self._db.execute("SELECT pile, sum(size) FROM block WHERE pile IS NOT NULL GROUP BY 1")
        )

    def add(self, lines: Sequence[Line]) -> None:
        """Store *lines*, inside a transaction."""
        numbers = range(self.next, self.next + len(lines))
        tags = list(map(self._tags.__getitem__, [line[1:6] for line in lines]))
        times = [line[0] for line in lines]
        rows = Rows(times, numbers, tags, encoded([line[6] for line in lines]))
        self.next = numbers.stop
        self._newest = max(self._newest, *times)
        for pile, part in self._piles(rows):
            size = table.insert(self._db, block.encode(part.ordered()), pile)
            self._sizes[pile] = self._sizes.get(pile, 0) + size
            if self._sizes[pile] >= BLOCK_BYTES:
                self._seal(pile)

    def _piles(self, rows: Rows) -> Iterator[tuple[int, Rows]]:
        late = self._newest - _LATE_NS
        if min(rows.times) >= late:
            yield LIVE, rows
            return
        piles = [
            LIVE if time >= late else block.source_of(tag)
            for time, tag in zip(rows.times, rows.tags, strict=True)
        ]
        for pile in set(piles):
            yield pile, rows.picked([row for row, other in enumerate(piles) if other == pile])

    def _seal(self, pile: int) -> None:
        """Make packed blocks of a pile."""
        waiting = list(table.items(self._db, "pile=? ORDER BY id", (pile,)))
        for part in Rows.merged(table.rows(self._db, item) for item in waiting).cut(BLOCK_BYTES):
            table.insert(self._db, block.encode(part), None)
        table.delete(self._db, [item.id for item in waiting])
        self._sizes[pile] = 0


def encoded(texts: Sequence[str]) -> list[bytes]:
    """*texts* as they are stored."""
    found = "\n".join(texts).encode("utf-8", "replace").split(b"\n")
    if len(found) == len(texts):
        return found
    return [text.replace("\n", "\u2424").encode("utf-8", "replace") for text in texts]
