"""The writer of the log store."""

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aiserver_tray.core.logs.store.answers import ModuleSize
from aiserver_tray.core.logs.store.line import Cursor, Gap, Kept, Line, Mark
from aiserver_tray.engine.values import LogStreamName

OnStored = Callable[[Sequence[Kept]], None]
OnDamaged = Callable[[Path], None]
"""Called with the file that was set aside."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS line(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  time INT, module TEXT, service TEXT, stream TEXT, level TEXT, continues INT, text TEXT
);
CREATE TABLE IF NOT EXISTS mark(
  container TEXT, stream TEXT, time INT, PRIMARY KEY (container, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gap(module TEXT, service TEXT, begin INT, end INT);
"""


def _ignore(_path: Path) -> None:
    pass


class LogStore:
    """The only writer of the file at *path*. All methods can be called from any thread."""

    def __init__(self, path: Path, on_damaged: OnDamaged = _ignore) -> None:
        """Open or create the file. A damaged file is set aside, and a new one begun.

        Raises:
            LogStoreError: the file can't be used.
        """
        self.path = path
        self._on_damaged = on_damaged
        self._lock = threading.Lock()
        self._observers: list[OnStored] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    def add(
        self, lines: Sequence[Line], marks: Sequence[Mark] = (), gaps: Sequence[Gap] = ()
    ) -> None:
        """Store *lines* with *marks* and *gaps* in one transaction.

        Raises:
            LogStoreFullError: the disk is full. Nothing was stored.
            LogStoreError: the file can't be written. Nothing was stored.
        """
        kept = []
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            for line in lines:
                number = self._db.execute(
                    "INSERT INTO line(time,module,service,stream,level,continues,text) "
                    "VALUES(?,?,?,?,?,?,?)",
                    line,
                ).lastrowid
                kept.append(Kept(Cursor(line.time, number or 0), line))
            self._db.executemany("INSERT OR REPLACE INTO mark VALUES(?,?,?)", marks)
            self._db.executemany("INSERT INTO gap VALUES(?,?,?,?)", gaps)
            self._db.execute("COMMIT")
            for observer in self._observers:
                observer(kept)

    def marks(self, container: str) -> Mapping[LogStreamName, int]:
        """Time of the last stored line of each output of *container*."""
        with self._lock:
            return dict(
                self._db.execute("SELECT stream,time FROM mark WHERE container=?", (container,))
            )

    def trim(self, now: int, keep_days: float, keep_bytes: int) -> None:
        """Delete lines that are older than *keep_days* before *now* (nanoseconds since 1970), then
        the oldest ones until the file has at most *keep_bytes*."""

    def delete(self, module: str) -> None:
        """Delete all lines of *module*. Its marks stay, so that they are not stored again."""
        with self._lock:
            self._db.execute("DELETE FROM line WHERE module=?", (module,))

    def sizes(self) -> Mapping[str, ModuleSize]:
        """What is stored of each module, approximately."""
        with self._lock:
            return {
                module: ModuleSize(lines, size, first)
                for module, lines, size, first in self._db.execute(
                    "SELECT module,count(*),sum(length(text)),min(time) FROM line GROUP BY module"
                )
            }

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
            self._db.close()
