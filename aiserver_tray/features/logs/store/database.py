"""The file of the log store: its tables, errors, and room to delete lines on a full disk."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from aiserver_tray.base.errors import AiServerError, ResourcesError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.files import open_private, write_private


class LogStoreError(AiServerError):
    """The file can't be read or written."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            Text("Can't use the kept logs in {path}: {reason}", path=str(path), reason=str(reason))
        )


class LogStoreFullError(ResourcesError):
    """The disk is full, so the lines were not stored."""

    def __init__(self, path: Path) -> None:
        text = Text(
            "Can't keep logs, because the disk of {path} is full. Free some space, for example "
            "by deleting kept logs in the settings.",
            path=str(path),
        )
        super().__init__(text)


class LogFilterError(AiServerError):
    """A pattern or a field condition of a filter is wrong; ``at``: the position in the pattern."""

    code = "E_REQUEST"

    def __init__(self, why: Text, field: str, at: int | None = None) -> None:
        super().__init__(why, fields=[field], at=at)


_STEP_PAGES = 250
_WAL_BYTES = 8 << 20
_CACHE = -1024
"""In KiB, as SQLite has it. Blocks are read once."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_SCHEMA = """
BEGIN;
CREATE TABLE IF NOT EXISTS source(
  id INTEGER PRIMARY KEY, module TEXT, service TEXT, UNIQUE (module, service)
);
CREATE TABLE IF NOT EXISTS block(
  id INTEGER PRIMARY KEY,
  pile INT,             -- of a batch: where it waits to become part of a packed block
  size INT,             -- bytes of the data
  first INT, last INT, lines INT, number INT, "end" INT, tags BLOB  -- as in Head
);
CREATE TABLE IF NOT EXISTS data(id INTEGER PRIMARY KEY, columns BLOB, body BLOB);
CREATE TABLE IF NOT EXISTS mark(
  container TEXT, stream TEXT, time INT, newest INT, PRIMARY KEY (container, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gap(module TEXT, service TEXT, begin INT, end INT);
CREATE TABLE IF NOT EXISTS counter(number INT);  -- the next line's
CREATE INDEX IF NOT EXISTS block_pile ON block(pile) WHERE pile IS NOT NULL;
CREATE INDEX IF NOT EXISTS block_last ON block(last, first);
CREATE INDEX IF NOT EXISTS block_first ON block(first, last);
CREATE TABLE IF NOT EXISTS aside(file TEXT PRIMARY KEY, done INT, lost INT);  -- as in Salvage
COMMIT;
"""
"""In one transaction, so that no reader sees a part of it."""


class DamagedError(LogStoreError):
    """The file is not a database, or a damaged one."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Open or create the file for its writer."""
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), open_private(path):
            pass  # SQLite gives its other files the same permissions
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with closed_on_error(db):
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # has no effect after the first table
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")  # with WAL, only a power cut can lose lines
            db.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
            db.execute(f"PRAGMA cache_size={_CACHE}")
            db.executescript(_SCHEMA)
        return db


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """The file for a reader, at one moment. The writer goes on meanwhile. A file that does not
    exist, or was just created, is empty."""
    with translated(path), closing(_existing(path) or _empty()) as db:
        yield db


def _existing(path: Path) -> sqlite3.Connection | None:
    if not path.exists():
        return None
    try:
        return _reading(path, "mode=ro")
    except sqlite3.OperationalError as error:
        log = Path(f"{path}-wal")
        if not _has_no_room(error) or (log.exists() and log.stat().st_size):
            raise
        return _reading(path, "immutable=1")  # nobody writes, so no other file is needed


def _reading(path: Path, mode: str) -> sqlite3.Connection | None:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
    with closed_on_error(db):
        db.execute(f"PRAGMA cache_size={_CACHE}")
        db.execute("BEGIN")
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return db
    db.close()
    return None


def _empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(_SCHEMA)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of what is written inside, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            with suppress(sqlite3.Error):  # the first error counts
                db.execute("ROLLBACK")


@contextmanager
def closed_on_error(db: sqlite3.Connection) -> Iterator[None]:
    """Close *db* if it can't be used."""
    try:
        yield
    except BaseException:
        db.close()
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the file system as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _ours(path, error) from error
    except OSError as error:
        raise LogStoreError(path, error.strerror) from error


def _ours(path: Path, error: sqlite3.Error) -> LogStoreError | LogStoreFullError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the details of the kind
    if code == sqlite3.SQLITE_FULL or _has_no_room(error):
        return LogStoreFullError(path)
    return (DamagedError if is_damage(error) else LogStoreError)(path, error)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether a page of the file is damaged or missing."""
    extended = getattr(error, "sqlite_errorcode", 0)
    return extended & 0xFF in _DAMAGED or extended == sqlite3.SQLITE_IOERR_SHORT_READ


def _has_no_room(error: sqlite3.Error) -> bool:
    """Whether the disk has no room for the shared memory beside the file."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE


def set_aside(path: Path) -> Path:
    """Rename a damaged file. No file is replaced that `asides` returns."""
    names = (path.with_suffix(f".damaged-{number}{path.suffix}") for number in count(1))
    with translated(path):
        aside = next(name for name in names if not name.exists())
        _move(path, aside)
    return aside


def asides(path: Path) -> list[Path]:
    """The damaged files whose lines were not all moved into the store at *path*, the newest
    first."""
    found = path.parent.glob(f"{path.stem}.damaged-*{path.suffix}")
    return sorted(found, key=lambda file: (len(file.name), file.name), reverse=True)


def keep_moved(path: Path, aside: Path) -> None:
    """Rename the file *aside* of the store at *path*, of which all was moved. The one before is
    replaced."""
    with suppress(FileNotFoundError):  # somebody has removed it
        _move(aside, path.with_suffix(".damaged" + path.suffix))


def _move(file: Path, target: Path) -> None:
    for ending in ("-wal", "-shm"):
        Path(f"{target}{ending}").unlink(missing_ok=True)
    file.replace(target)
    with suppress(FileNotFoundError):  # it may have the newest lines
        Path(f"{file}-wal").replace(f"{target}-wal")
    Path(f"{file}-shm").unlink(missing_ok=True)


def used_bytes(db: sqlite3.Connection) -> int:
    """Bytes of the pages that hold something."""
    pages = _number(db, "page_count") - _number(db, "freelist_count")
    return pages * _number(db, "page_size")


def give_back(db: sqlite3.Connection) -> bool:
    """Shrink the file by some of its free pages; whether there are more."""
    db.execute(f"PRAGMA incremental_vacuum({_STEP_PAGES})").fetchall()
    if _number(db, "freelist_count"):
        return True
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return False


def checkpoint(db: sqlite3.Connection) -> None:
    """Write what is only in the write-ahead log to the file, so that the log does not grow."""
    db.execute("PRAGMA wal_checkpoint").fetchall()


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


RESERVE_BYTES: Final = 8 << 20
"""More than the write-ahead log of SQLite takes for a step of a deletion."""
_LEAST_BYTES: Final = 1 << 20
"""Less than that is given back as a whole."""


class Reserve:
    """A file beside *store* that only takes room. SQLite needs some to delete anything. On a full
    disk, it gets this room."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_suffix(".reserve")

    def release(self) -> bool:
        """Give half of the room back: to open the store takes little, and others may fill the disk
        again before lines are deleted. False if nothing is left."""
        try:
            left = self._path.stat().st_size // 2
            if left < _LEAST_BYTES:
                self._path.unlink()
            else:
                os.truncate(self._path, left)
        except OSError:
            return False
        return True

    def ensure(self) -> None:
        """Take the whole room if the disk has as much."""
        with suppress(OSError):
            if not self._is_whole and shutil.disk_usage(self._path.parent).free >= RESERVE_BYTES:
                # No file system can compress random bytes.
                write_private(self._path, os.urandom(RESERVE_BYTES))

    @property
    def _is_whole(self) -> bool:
        return self._path.exists() and self._path.stat().st_size >= RESERVE_BYTES
