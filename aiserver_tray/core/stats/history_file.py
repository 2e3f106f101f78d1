"""The file of the history of samples."""

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiserver_tray.base.errors import SettingError
from aiserver_tray.core.stats.samples import INTERVAL_SECONDS
from aiserver_tray.system.files import open_private
from aiserver_tray.system.paths import make_folder

KEPT_SECONDS: Final = {INTERVAL_SECONDS: 86_400, 120: 7 * 86_400, 1800: 30 * 86_400}
"""Seconds of a row -> how long such rows are kept. Each is a multiple of the one before."""

_TABLES = """
CREATE TABLE IF NOT EXISTS series(
    number INTEGER PRIMARY KEY, module TEXT NOT NULL, service TEXT NOT NULL,
    UNIQUE(module, service));
CREATE TABLE IF NOT EXISTS mark(
    time INTEGER, module TEXT, service TEXT, kind TEXT,
    PRIMARY KEY(time, module, service, kind)) WITHOUT ROWID;
""" + "".join(
    f"CREATE TABLE IF NOT EXISTS rows_{step}(time INTEGER PRIMARY KEY, data BLOB NOT NULL);\n"
    for step in KEPT_SECONDS
)

_logger = logging.getLogger(__name__)


def opened(path: Path) -> sqlite3.Connection:
    """The file *path*, for all threads. If it is damaged, a new one; if there can't be one, the
    history is only in memory."""
    try:
        make_folder(path.parent)
        with suppress(FileExistsError), open_private(path):
            pass  # SQLite gives its other files the same permissions
        try:
            return _connected(str(path))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            return renewed(path, error)
    except (OSError, SettingError, sqlite3.Error) as error:
        _logger.warning("the history of samples is only in memory: %s", error)
        return _connected(":memory:")


def renewed(path: Path, error: Exception) -> sqlite3.Connection:
    """A new file *path*. The damaged one, which caused *error* and is closed, is set aside."""
    _logger.warning("the history of samples is damaged; a new one is started: %s", error)
    try:
        path.replace(path.with_name(f"{path.name}.damaged"))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as failure:
        _logger.warning("the history of samples is only in memory: %s", failure)
        return _connected(":memory:")
    return opened(path)


def _connected(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, check_same_thread=False)
    try:
        # A crash of the machine may lose the last rows, but damages nothing.
        database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}")
    except sqlite3.Error:
        database.close()
        raise
    return database
