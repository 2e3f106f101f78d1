"""The writer of the log store."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.core.logs.store import database, deletion
from aiserver_tray.core.logs.store.answers import ModuleSize
from aiserver_tray.core.logs.store.batches import Batches
from aiserver_tray.core.logs.store.database import DamagedError
from aiserver_tray.core.logs.store.errors import LogStoreFullError
from aiserver_tray.core.logs.store.line import Cursor, Gap, Kept, Line, Mark
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.core.logs.store.reserve import Reserve
from aiserver_tray.engine.values import LogStreamName

_PAUSE_SECONDS = 0.005

_logger = logging.getLogger(__name__)

T = TypeVar("T")
OnStored = Callable[[Sequence[Kept]], None]
OnDamaged = Callable[[Path], None]
"""Called with the file that was set aside."""


def _ignore(_path: Path) -> None:
    pass


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
    error, the next call opens the file again."""

    def __init__(self, path: Path, on_damaged: OnDamaged = _ignore) -> None:
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
                kept = [
                    Kept(Cursor(line.time, number + place), line)
                    for place, line in enumerate(lines)
                ]
                self._report(kept)

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
        before = now - int(keep_days * deletion.DAY_NS)
        self._shrink(
            lambda file: deletion.delete_older(file.db, file.batches, before),
            lambda file: deletion.delete_oldest(file.db, file.batches, keep_bytes),
            lambda file: database.give_back(file.db),
        )

    def delete(self, module: str) -> None:
        """Delete all lines of *module*. Its marks stay, so that they are not stored again."""
        deleting = deletion.ModuleDeletion(module)
        self._shrink(
            lambda file: deleting.step(file.db, file.batches),
            lambda file: database.give_back(file.db),
        )

    def sizes(self) -> Mapping[str, ModuleSize]:
        """What is stored of each module, approximately."""
        return LogReader(self.path).sizes()

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
        """Close the file."""
        with self._lock:
            if self._open:
                self._open.db.close()
                self._open = None

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
                self._on_damaged(database.set_aside(self.path))
                return self._try(action)

    def _try(self, action: Callable[[_File], T]) -> T:
        is_done = False
        try:
            with database.translated(self.path):
                if not self._open:
                    db = database.open_writer(self.path)
                    with database.closed_on_error(db):
                        self._open = _File(db, Batches(db))
                result = action(self._open)
            is_done = True
        finally:
            if not is_done:  # its state may not be that of the file
                self.close()
        return result
