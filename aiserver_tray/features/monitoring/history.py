"""The samples of the last 30 days, in a file that survives restarts of the owner.

A row has all series of a span of time. As one row per series, the same samples would write 15
times as much to the disk.
"""

import logging
import math
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby, pairwise
from pathlib import Path
from threading import RLock
from typing import Final, Literal, NamedTuple, TypeVar

from aiserver_tray.base.errors import SettingError
from aiserver_tray.features.monitoring.rows import (
    FIELDS,
    Cell,
    Row,
    Values,
    packed,
    rolled,
    unpacked,
)
from aiserver_tray.features.monitoring.samples import (
    INTERVAL_SECONDS,
    Address,
    Load,
    Sample,
    by_module,
    total,
)
from aiserver_tray.system.files import open_private
from aiserver_tray.system.paths import make_folder

_logger = logging.getLogger(__name__)

STEPS: Final = (15, 30, 60, 120, 240, 360, 600, 1800, 3600, 7200, 14_400)
"""Seconds between two points of a chart: each can be made from the rows that are kept."""
TOTAL: Final = ("", "")
"""The series of all services together; that of a module has no service."""

T = TypeVar("T")

MarkKind = Literal["restart", "exit"]
"""restart: of a service without an operation, as by its restart policy; exit: it exited without
one."""


class Mark(NamedTuple):
    """What happened to a service at ``time`` (seconds since 1970)."""

    time: int
    module: str
    service: str
    kind: MarkKind


_Stored = tuple[int, bytes]
"""The time of a row, and the row."""


class Span(NamedTuple):
    """From ``begin`` to before ``end``, multiples of ``step``: seconds since 1970."""

    begin: int
    end: int
    step: int

    @property
    def times(self) -> range:
        """The begin of each step."""
        return range(*self)


def span(begin: float, end: float, points: int, now: float) -> Span:
    """At most about *points* steps from *begin* to *end*, as fine as rows are still kept."""
    age = now - begin - INTERVAL_SECONDS
    resolution = next((step for step, kept in KEPT_SECONDS.items() if age <= kept), 1800)
    fitting = (s for s in STEPS if s % resolution == 0 and (end - begin) / s <= points)
    step = next(fitting, STEPS[-1])
    return Span(int(begin // step * step), int(end // step * step + step), step)


class History:
    """The history in the file *path*. Can be used from any thread and never fails. If the file
    can't be used, the history is only in memory; if it is damaged, a new one begins, whenever that
    is found."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = RLock()
        self._is_reported = False
        self._is_closed = False
        self._peaks: dict[int, Values] = {}
        self._database = opened(path)
        self._numbers: dict[Address, int] = self._use(_known_numbers) or {}

    # -- writing --------------------------------------------------------------------------------

    def add(self, sample: Sample) -> None:
        """Keep *sample*, if it is known. If it can't be written, it is lost."""
        if sample.loads is None:
            return
        slot, loads = round(sample.time / INTERVAL_SECONDS) * INTERVAL_SECONDS, sample.loads

        def write(database: sqlite3.Connection) -> None:
            cells = {self._number(a): Cell(v := _values(load), v) for a, load in _all(loads)}
            for number, peak in self._peaks.items():
                if number in cells:
                    mean, own = cells[number]
                    cells[number] = Cell(mean, tuple(map(_greater, own, peak)))
            self._peaks.clear()
            self._put(database, INTERVAL_SECONDS, slot, Row(1, cells))
            self._roll(database, slot)
            self._trim(database, slot)

        self._write(write)

    def add_peaks(self, sample: Sample) -> None:
        """Let *sample*, one of many before the next that is kept, count for the peaks."""
        loads = dict(_all(sample.loads or {}))
        loads.pop(TOTAL, None)  # it has only some of the modules

        def write(_database: sqlite3.Connection) -> None:
            for address, load in loads.items():
                number, values = self._number(address), _values(load)
                known = self._peaks.get(number, values)
                self._peaks[number] = tuple(map(_greater, known, values))

        self._write(write)

    def add_mark(self, mark: Mark) -> None:
        """Keep *mark*; of equal ones within a few seconds only one."""
        row = mark._replace(time=round(mark.time / INTERVAL_SECONDS) * INTERVAL_SECONDS)
        query = "INSERT OR IGNORE INTO mark VALUES(?,?,?,?)"
        self._write(lambda database: database.execute(query, row))

    def close(self) -> None:
        """Close the file. Samples that come later are dropped."""
        with self._lock:
            self._is_closed = True
            self._database.close()

    # -- reading --------------------------------------------------------------------------------

    def addresses(self) -> tuple[Address, ...]:
        """Every series that there ever was."""
        with self._lock:
            return tuple(self._numbers)

    def rows(self, span: Span, addresses: Collection[Address]) -> dict[int, Mapping[Address, Cell]]:
        """The cells of *addresses* for each step of *span* that has samples."""

        def read(database: sqlite3.Connection) -> dict[int, Mapping[Address, Cell]]:
            numbers = self._numbers.items()
            wanted = {number: address for address, number in numbers if address in addresses}
            found: dict[int, Mapping[Address, Cell]] = {}
            for start, group in _grouped(_packed(database, span), span.step):
                row = rolled([unpacked(data, wanted) for _, data in group])
                found[start] = {wanted[number]: cell for number, cell in row.cells.items()}
            return found

        return self._use(read) or {}

    def marks(self, span: Span) -> list[Mark]:
        """What happened in *span*, in order."""

        def read(database: sqlite3.Connection) -> list[Mark]:
            query = "SELECT * FROM mark WHERE time>=? AND time<? ORDER BY time"
            return [Mark(*row) for row in database.execute(query, span[:2])]

        return self._use(read) or []

    # -- inside ---------------------------------------------------------------------------------

    def _put(self, database: sqlite3.Connection, step: int, time: int, row: Row) -> None:
        database.execute(f"INSERT OR REPLACE INTO rows_{step} VALUES(?,?)", (time, packed(row)))

    def _roll(self, database: sqlite3.Connection, now: int) -> None:
        """Make the rows of longer spans that are complete."""
        for fine, coarse in pairwise(KEPT_SECONDS):
            (last,) = database.execute(f"SELECT MAX(time) FROM rows_{coarse}").fetchone()
            begin = 0 if last is None else last + coarse
            due = _between(database, fine, begin, now // coarse * coarse)
            for start, group in _grouped(due, coarse):
                self._put(database, coarse, start, rolled([unpacked(data) for _, data in group]))

    def _trim(self, database: sqlite3.Connection, now: int) -> None:
        """Remove what is too old, and what the clock had not reached before it was set back."""
        for step, kept in KEPT_SECONDS.items():
            query = f"DELETE FROM rows_{step} WHERE time<? OR time>?"
            database.execute(query, (now - kept, now))
        database.execute("DELETE FROM mark WHERE time<?", (now - KEPT_SECONDS[1800],))

    def _number(self, address: Address) -> int:
        known = self._numbers.get(address)
        if known is None:
            query = "INSERT INTO series(module, service) VALUES(?,?)"
            known = self._database.execute(query, address).lastrowid
            assert known is not None
            self._numbers[address] = known
        return known

    def _write(self, action: Callable[[sqlite3.Connection], object]) -> None:
        if self._use(lambda database: (action(database),)):
            self._is_reported = False

    def _use(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do *action* in a transaction, as a whole or not at all. None: it was not done."""
        with self._lock:
            if self._is_closed:
                return None
            try:
                with self._database as database:
                    return action(database)
            except sqlite3.OperationalError as error:  # such as a full disk
                self._report(error)
            except (sqlite3.DatabaseError, zlib.error) as error:
                self._database.close()
                self._database = renewed(self._path, error)
            self._numbers = _known_numbers(self._database)
            return None

    def _report(self, error: Exception) -> None:
        if not self._is_reported:
            _logger.warning("the history of samples can't be read or written: %s", error)
        self._is_reported = True


def _known_numbers(database: sqlite3.Connection) -> dict[Address, int]:
    found = database.execute("SELECT module, service, number FROM series")
    return {(module, service): number for module, service, number in found}


def _packed(database: sqlite3.Connection, span: Span) -> list[_Stored]:
    """The rows of *span*: what was not rolled up yet follows in finer rows."""
    rows: list[_Stored] = []
    begin = span.begin
    for step in reversed(KEPT_SECONDS):
        if span.step % step == 0:
            rows += _between(database, step, begin, span.end)
            begin = max(begin, rows[-1][0] + step) if rows else begin
    return rows


def _between(database: sqlite3.Connection, step: int, begin: int, end: int) -> list[_Stored]:
    query = f"SELECT time, data FROM rows_{step} WHERE time>=? AND time<? ORDER BY time"
    return database.execute(query, (begin, end)).fetchall()


def _grouped(rows: Iterable[_Stored], step: int) -> Iterator[tuple[int, Iterator[_Stored]]]:
    """*rows* by the begin of their step."""
    return groupby(rows, lambda row: row[0] // step * step)


def _all(loads: Mapping[Address, Load]) -> Iterator[tuple[Address, Load]]:
    """The loads of all series: services, modules, and their total."""
    yield TOTAL, total(loads.values())
    yield from (((module, ""), load) for module, load in by_module(loads).items())
    yield from loads.items()


def _values(load: Load) -> Values:
    return tuple(math.nan if (v := getattr(load, name)) is None else float(v) for name in FIELDS)


def _greater(one: float, other: float) -> float:
    """The greater of those that are known."""
    return other if math.isnan(one) or other > one else one


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
