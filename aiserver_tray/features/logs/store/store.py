"""The writer of the log store.

A batch of lines is stored as it is. When the batches of a pile hold enough, they become one packed
block. Lines that are much older than the newest one, as when the log of a container is read that
ran before, have a pile for each service. So each block has a short time, and the lines of a time
are in few blocks, even if 30 logs of different age are read at once.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Line, Mark
from aiserver_tray.features.logs.store import block, database, table
from aiserver_tray.features.logs.store.block import Kind, Rows
from aiserver_tray.features.logs.store.database import DamagedError, LogStoreFullError, Reserve
from aiserver_tray.features.logs.store.salvage import Progress, Salvage, begin

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
        self._sizes: dict[int, int] = {}
        self._tags = _Tags(db)
        self.next = table.next_number(db)
        """the number of the next line"""
        newest = db.execute("SELECT max(last) FROM block").fetchone()[0]
        self._newest: int = newest or 0
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
        """Make packed blocks of a pile. What can't be read of it becomes a gap."""
        waiting = list(table.items(self._db, "pile=? ORDER BY id", (pile,)))
        found: list[Rows] = []
        for item in waiting:
            try:
                found.append(table.rows(self._db, item))
            except block.UnpackError:
                table.note_gap(self._db, item)
        for part in Rows.merged(found).cut(BLOCK_BYTES) if found else ():
            table.insert(self._db, block.encode(part), None)
        table.delete(self._db, [item.id for item in waiting])
        self._sizes[pile] = 0


def encoded(texts: Sequence[str]) -> list[bytes]:
    """*texts* as they are stored."""
    found = "\n".join(texts).encode("utf-8", "replace").split(b"\n")
    if len(found) == len(texts):
        return found
    return [text.replace("\n", "\u2424").encode("utf-8", "replace") for text in texts]


_PAUSE_SECONDS = 0.005

_logger = logging.getLogger(__name__)

T = TypeVar("T")
OnStored = Callable[[Sequence[Kept]], None]
OnDamaged = Callable[[Path], None]
"""Called with the file that was set aside."""


class _File(NamedTuple):
    db: sqlite3.Connection
    batches: Batches


Step = Callable[[_File], bool]
"""Whether there is more to do."""


def _do(step: Step, file: _File) -> bool:
    has_more = step(file)
    database.checkpoint(file.db)  # a full disk has little room for the write-ahead log
    return has_more


class LogStore:
    """The only writer of the file at *path*. All methods can be called from any thread. After an
    error, the next call opens the file again. What can be read of a damaged file comes back into
    the new one, as `salvage` is called."""

    def __init__(self, path: Path, on_damaged: OnDamaged = lambda _file: None) -> None:
        """Open or create the file. A damaged file is set aside, then and later, and a new one
        begun.

        Raises:
            LogStoreError: the file can't be used.
        """
        self.path = path
        self._on_damaged = on_damaged
        self._lock = threading.RLock()
        self._observers: list[OnStored] = []
        self._open: _File | None = None
        self._salvage: Salvage | None = None
        self._next_number = 1
        """The number of the next line when the file was closed."""
        self._reserve = Reserve(path)
        self._repeat_with_reserve(lambda _file: False)  # opens it

    def add(
        self, lines: Sequence[Line], marks: Sequence[Mark] = (), gaps: Sequence[Gap] = ()
    ) -> None:
        """Store *lines* with *marks* and *gaps* in one transaction.

        Raises:
            LogStoreFullError: the disk is full. Nothing was stored.
            LogStoreError: the file can't be written. Nothing was stored.
        """

        def write(file: _File) -> int:
            number = file.batches.next
            with database.transaction(file.db):
                if lines:
                    file.batches.add(lines)
                file.db.executemany("INSERT OR REPLACE INTO mark VALUES(?,?,?,?)", marks)
                file.db.executemany("INSERT INTO gap VALUES(?,?,?,?)", gaps)
            return number

        with self._lock:  # observers get the lines in the order of their numbers
            number = self._run(write)
            if self._observers and lines:
                numbered = enumerate(lines, number)
                self._report([Kept(Cursor(line.time, n), line) for n, line in numbered])

    def _report(self, kept: Sequence[Kept]) -> None:
        for observer in self._observers:
            try:
                observer(kept)
            except Exception as bug:  # noqa: BLE001 - the lines are stored, whatever they do
                log_bug(_logger, "a log observer failed", bug)

    def marks(self, container: str) -> Mapping[LogStreamName, Mark]:
        """How far each output of *container* is stored."""
        query = "SELECT container, stream, time, newest FROM mark WHERE container=?"
        found = self._run(lambda file: file.db.execute(query, (container,)).fetchall())
        return {mark.stream: mark for mark in map(Mark._make, found)}

    def trim(self, now: int, keep_days: float, keep_bytes: int) -> None:
        """Delete lines that are older than *keep_days* before *now* (nanoseconds since 1970), then
        the oldest ones until the file has at most *keep_bytes*. Lines are deleted by blocks."""
        before = now - int(keep_days * DAY_NS)
        self._shrink(
            lambda file: delete_older(*file, before),
            lambda file: delete_oldest(*file, keep_bytes),
            lambda file: database.give_back(file.db),
        )

    def delete(self, module: str) -> None:
        """Delete all lines of *module*. Its marks stay, so that they are not stored again."""
        deleting = ModuleDeletion(module)
        self._shrink(
            # Otherwise lines of the module would come back later.
            lambda file: self._salvage_step(file) is not None,
            lambda file: deleting.step(*file),
            lambda file: database.give_back(file.db),
        )

    def renew(self, file: int) -> None:
        """A reader has found that the *file* (an inode) is damaged: set it aside, and begin a new
        one, unless that was done."""
        with self._lock:
            if self.path.exists() and self.path.stat().st_ino == file:
                self._renew()
                self._try(lambda _file: None)

    def salvage(self) -> Progress | None:
        """Move a part of a damaged file into the new one. None: there is no such file, or no more
        of any."""
        return self._run(self._salvage_step)

    def _salvage_step(self, file: _File) -> Progress | None:
        if self._salvage is None:
            if not (asides := database.asides(self.path)):
                return None
            self._salvage = Salvage(self.path, asides[0], file.db)
        work = self._salvage
        work.step(file.db)
        if work.progress.is_over:
            self._salvage = None
        file.batches.refresh()
        return work.progress

    def observe(self, callback: OnStored) -> Callable[[], None]:
        """Call *callback* with the lines of each transaction after its commit, in their order; it
        must be quick and must not use the store. Returns a function that ends this."""
        with self._lock:
            self._observers = [*self._observers, callback]

        def stop() -> None:
            with self._lock:
                self._observers = [other for other in self._observers if other is not callback]

        return stop

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._next_number = self._open.batches.next
                self._open.db.close()
                self._open = self._salvage = None

    def _shrink(self, *steps: Step) -> None:
        """Repeat each of *steps*, then see to the reserve for the next time."""
        try:
            self._repeat_with_reserve(*steps)
        finally:
            with self._lock:
                self._reserve.ensure()

    def _repeat_with_reserve(self, *steps: Step) -> None:
        """Repeat each of *steps*. If the disk is full, the reserve gives them the room that SQLite
        needs for its write-ahead log."""
        while True:
            try:
                return self._repeat(*steps)
            except LogStoreFullError:
                if not self._reserve.release():
                    raise

    def _repeat(self, *steps: Step) -> None:
        """Do each short step until there is no more to do. The pauses let others write, because a
        lock alone would mostly go to the thread that has just released it."""
        for step in steps:
            while self._run(partial(_do, step)):
                time.sleep(_PAUSE_SECONDS)

    def _run(self, action: Callable[[_File], T]) -> T:
        """Do something with the open file."""
        with self._lock:
            try:
                return self._try(action)
            except DamagedError:
                self._renew()
                return self._try(action)

    def _renew(self) -> None:
        """Set the damaged file aside. `_try` creates the new one."""
        self.close()
        self._on_damaged(database.set_aside(self.path))

    def _try(self, action: Callable[[_File], T]) -> T:
        try:
            with database.translated(self.path):
                if not self._open:
                    db = database.open_writer(self.path)
                    with database.closed_on_error(db):
                        begin(self.path, db, self._next_number)
                        self._open = _File(db, Batches(db))
                return action(self._open)
        except BaseException:  # its state may not be that of the file
            self.close()
            raise


DAY_NS = 24 * 3600 * 10**9
_STEP_BLOCKS = 10
_MARK_DAYS = 365
"""Marks of containers that were silent for so long are deleted."""


def delete_older(db: sqlite3.Connection, batches: Batches, before: int) -> bool:
    """Delete some blocks whose lines are all older than a time; whether there may be more."""
    condition = f"last < ? ORDER BY last LIMIT {_STEP_BLOCKS}"
    with database.transaction(db):
        old = [item.id for item in table.items(db, condition, (before,))]
        _delete(db, batches, old)
        if not old:
            db.execute('DELETE FROM gap WHERE "end" < ?', (before,))
            db.execute("DELETE FROM mark WHERE time < ?", (before - _MARK_DAYS * DAY_NS,))
    return bool(old)


def delete_oldest(db: sqlite3.Connection, batches: Batches, keep_bytes: int) -> bool:
    """Delete some of the oldest blocks if the file has more than *keep_bytes*; whether to go on."""
    with database.transaction(db):
        excess = database.used_bytes(db) - keep_bytes
        old = []
        for item in table.items(db, f"true ORDER BY last LIMIT {_STEP_BLOCKS}"):
            if excess <= 0:
                break
            old.append(item.id)
            excess -= item.size
        _delete(db, batches, old)
    return bool(old)


class ModuleDeletion:
    """Deletes the lines of a module."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._reached = 0
        """the last block that was changed; blocks that are made meanwhile come after it"""

    def step(self, db: sqlite3.Connection, batches: Batches) -> bool:
        """Delete the lines in some blocks; whether there may be more."""
        with database.transaction(db):
            found = db.execute("SELECT id FROM source WHERE module=?", (self._module,))
            sources = {source for (source,) in found}
            condition = f"id > ? ORDER BY id LIMIT {_STEP_BLOCKS}"
            items = list(table.items(db, condition, (self._reached,)))
            _delete(db, batches, [item.id for item in items if not _keep_others(db, item, sources)])
            db.execute("DELETE FROM gap WHERE module=?", (self._module,))
        if items:
            self._reached = items[-1].id
        return bool(items)


def _keep_others(db: sqlite3.Connection, item: table.Item, sources: set[int]) -> bool:
    """Delete the lines of *sources* in a block; whether it has others."""
    tags, _ = item.head.counts()
    kept = {tag for tag in tags if block.source_of(tag) not in sources}
    if 0 < len(kept) < len(tags):
        try:
            rows = table.rows(db, item)
        except block.UnpackError:
            return False  # nobody can read the others either
        others = [row for row, tag in enumerate(rows.tags) if tag in kept]
        table.replace(db, item, block.encode(rows.picked(others)))
    return bool(kept)


def _delete(db: sqlite3.Connection, batches: Batches, ids: list[int]) -> None:
    if ids:
        table.store_next_number(db, batches.next)
        table.delete(db, ids)
        batches.refresh()
