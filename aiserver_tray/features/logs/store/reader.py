"""Questions to the log store."""

import hashlib
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from itertools import islice
from math import inf
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Mark
from aiserver_tray.features.logs.parser import FRAMES, LineParser
from aiserver_tray.features.logs.query import (
    Bounds,
    Counts,
    ErrorGroup,
    ErrorGroups,
    LogFilter,
    ModuleSize,
    Page,
)
from aiserver_tray.features.logs.store import database, table
from aiserver_tray.features.logs.store.block import UnpackError
from aiserver_tray.features.logs.store.database import DamagedError
from aiserver_tray.features.logs.store.scan import Blocks, Parts, Scan, Span, histogram

BUDGET_SECONDS = 0.2

Marks = Mapping[str, Sequence[Mark]]
"""How far the outputs of each container are stored, by its ID."""


Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def _question(
    ask: "Callable[Concatenate[LogReader, Parameters], Answer]",
) -> "Callable[Concatenate[LogReader, Parameters], Answer]":
    """Ask the new file again if the file can't be read any more."""

    @wraps(ask)
    def answer(reader: "LogReader", /, *args: Parameters.args, **more: Parameters.kwargs) -> Answer:
        file = reader.file
        try:
            return ask(reader, *args, **more)
        except DamagedError:
            if not reader.on_damaged(file):
                raise
        return ask(reader, *args, **more)

    return answer


class LogReader:
    """Reads the file at *path* beside its writer, from any thread. Each question opens the file, so
    nothing stays in memory between two questions. It takes about *budget_seconds* at most; then its
    answer says where to go on. *on_damaged* is called with the inode of a file that has a damaged
    page, and returns whether there is a new file now.

    Every question raises `LogFilterError` if the filter is wrong, and `LogStoreError` if the file
    can't be read."""

    def __init__(
        self,
        path: Path,
        budget_seconds: float = BUDGET_SECONDS,
        on_damaged: Callable[[int], bool] = lambda _file: False,
    ) -> None:
        self._path = path
        self._budget_seconds = budget_seconds
        self.on_damaged = on_damaged
        # One question at a time: each takes at most its budget, and the memory for one block.
        self._turn = threading.Lock()

    @_question
    def older(self, wanted: LogFilter, before: Cursor | None = None, limit: int = 200) -> Page:
        """At most *limit* lines before a cursor, or the newest ones; newest first."""
        with self._blocks(wanted) as blocks:
            scan = Scan(blocks, Span.of(wanted, before=before), self._budget_seconds)
            return _page(blocks, scan, scan.newest_first(), limit)

    @_question
    def newer(self, wanted: LogFilter, after: Cursor, limit: int = 200) -> Page:
        """At most *limit* lines after a cursor, oldest first."""
        with self._blocks(wanted) as blocks:
            scan = Scan(blocks, Span.of(wanted, after=after), self._budget_seconds)
            return _page(blocks, scan, scan.oldest_first(), limit)

    def at(self, wanted: LogFilter, time: int, limit: int = 200) -> Page:
        """At most *limit* lines at or before a time (nanoseconds since 1970), newest first."""
        return self.older(wanted, Cursor(time + 1, 0), limit)

    @_question
    def around(self, cursor: Cursor, before: int = 50, after: int = 50) -> Sequence[Kept]:
        """A line with those of its service before and after it, in order; empty if it is gone."""
        low, high = (cursor._replace(number=cursor.number + step) for step in (-1, 1))
        with self._blocks(LogFilter()) as blocks:
            # The line is in a block of its time, so this search is short.
            found = list(Scan(blocks, Span.of(LogFilter(), low, high), inf).newest_first())
        if not found:
            return []
        line = found[0].line
        same = LogFilter(services=((line.module, line.service),))
        older, newer = self.older(same, cursor, before), self.newer(same, cursor, after)
        return [*reversed(older.lines), *found, *newer.lines]

    @_question
    def histogram(
        self, wanted: LogFilter, begin: int, end: int, buckets: int, before: Cursor | None = None
    ) -> Counts:
        """Counts of lines between two times in *buckets* equal parts. To continue: *before* is
        what the last answer `reached`."""
        with self._blocks(wanted) as blocks:
            return histogram(blocks, Parts(begin, end, buckets), before, self._budget_seconds)

    @_question
    def errors(self, wanted: LogFilter, before: Cursor | None = None) -> ErrorGroups:
        """Entries with a level of the filter (without one: errors), grouped by what is equal in
        them. To continue: *before* is what the last answer `reached`."""
        if not wanted.levels:
            wanted = replace(wanted, levels=frozenset({"error"}))
        with self._blocks(wanted) as blocks:
            scan = Scan(blocks, Span.of(wanted, before=before), self._budget_seconds)
            return ErrorGroups(grouped(scan.newest_first()), scan.reached)

    @_question
    def bounds(self) -> Bounds:
        """What the store holds."""
        with database.snapshot(self._path) as db:
            query = "SELECT min(first), max(last), coalesce(sum(lines), 0) FROM block"
            first, last, lines = db.execute(query).fetchone()
            return Bounds(first, last, lines, database.used_bytes(db))

    @_question
    def lines_between(self, begin: int, end: int) -> int:
        """About how many lines there are from one time to before another."""
        query = "SELECT coalesce(sum(lines), 0) FROM block WHERE last >= ? AND last < ?"
        with database.snapshot(self._path) as db:
            return int(db.execute(query, (begin, end)).fetchone()[0])

    @_question
    def newest_number(self) -> int:
        """The number of the line that was stored last; 0 without lines."""
        with database.snapshot(self._path) as db:
            return table.next_number(db) - 1

    @_question
    def marks(self) -> tuple[int, Marks]:
        """The number of the line that was stored last, and the marks of the same moment."""
        marks = defaultdict[str, list[Mark]](list)
        with database.snapshot(self._path) as db:
            for row in db.execute("SELECT container, stream, time, newest FROM mark"):
                marks[row[0]].append(Mark(*row))
            return table.next_number(db) - 1, marks

    @_question
    def sizes(self) -> Mapping[str, ModuleSize]:
        """What is stored of each module, approximately."""
        lines, size, first = Counter[str](), Counter[str](), dict[str, int]()
        services = defaultdict[str, set[str]](set)
        with self._blocks(LogFilter()) as blocks:
            for item in table.items(blocks.db, "true ORDER BY first"):
                for tag, count in zip(*item.head.counts(), strict=True):
                    module, service = blocks.source(tag)
                    services[module].add(service)
                    lines[module] += count
                    size[module] += item.size * count // item.head.lines
                    if module not in first:
                        first[module] = _first(blocks, item, module)
        return {
            module: ModuleSize(sorted(services[module]), lines[module], size[module], first[module])
            for module in sorted(lines)
        }

    @_question
    def gaps(self, wanted: LogFilter) -> Sequence[Gap]:
        """Where lines of the filter's services are missing in its time."""
        span = Span.of(wanted)
        query = 'SELECT * FROM gap WHERE begin < ? AND "end" > ? ORDER BY begin'
        with database.snapshot(self._path) as db:
            gaps = [Gap(*row) for row in db.execute(query, (span.high.time, span.low.time))]
        return [gap for gap in gaps if wanted.wants_source(gap.module, gap.service)]

    @property
    def file(self) -> int:
        """The inode of the file; 0 without one."""
        return self._path.stat().st_ino if self._path.exists() else 0

    @contextmanager
    def _blocks(self, wanted: LogFilter) -> Iterator[Blocks]:
        file = self.file
        with self._turn, database.snapshot(self._path) as db:
            blocks = Blocks(db, wanted)
            yield blocks
        if blocks.has_damaged_page:
            self.on_damaged(file)


def _first(blocks: Blocks, item: table.Item, module: str) -> int:
    """Time of the first line of *module* in a block: other modules may have much older ones there,
    because a block of a quiet installation has the lines of days."""
    tags, _ = item.head.counts()
    own = {place for place, tag in enumerate(tags) if blocks.source(tag).module == module}
    try:
        times, _, places = table.columns(blocks.db, item)
    except UnpackError:
        return item.head.first
    found = (time for time, place in zip(times, places, strict=True) if place in own)
    return next(found, item.head.first)


def _page(blocks: Blocks, scan: Scan, found: Iterator[Kept], limit: int) -> Page:
    lines = list(islice(found, limit))
    if len(lines) == limit:
        return Page(lines, lines[-1].cursor if lines else None, False, blocks.damaged)  # noqa: FBT003
    return Page(lines, scan.reached, scan.reached is None, blocks.damaged)


_INDENT = (" ", "\t")
Key = tuple[str, str, str]


def grouped(newest_first: Iterable[Kept]) -> list[ErrorGroup]:
    """Entries by what is equal in them, the newest group first. The lines of an entry come after
    each other for its service and output, the last one first."""
    groups: dict[str, ErrorGroup] = {}
    last_lines: dict[Key, str] = {}
    for kept in newest_first:
        line = kept.line
        output = (line.module, line.service, line.stream)
        if line.continues:
            if not line.text.startswith(_INDENT):
                last_lines.setdefault(output, line.text)
            continue
        group = _group(kept, last_lines.pop(output, ""))
        if known := groups.get(group.fingerprint):
            group = replace(known, count=known.count + 1, first=group.first)
        groups[group.fingerprint] = group
    return list(groups.values())


def _group(kept: Kept, last_line: str) -> ErrorGroup:
    """A group of one entry. Python's traces begin alike and end with the error."""
    line = kept.line
    is_headline = FRAMES.match(line.text) and last_line
    message = last_line if is_headline else LineParser().parse(line.text).message
    same = "\n".join((line.module, line.service, fingerprint(message)))
    return ErrorGroup(
        fingerprint=hashlib.sha256(same.encode()).hexdigest()[:16],
        message=message,
        level=line.level,
        module=line.module,
        service=line.service,
        count=1,
        first=line.time,
        last=line.time,
        newest=kept,
    )


_VARIABLE = re.compile(
    r"""(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)
    | (?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)
    | (?P<text>"[^"]*"|(?<!\w)'[^']*'|`[^`]*`)
    | (?P<hex>\b(?:0x[0-9a-fA-F]+|(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,})\b)
    | (?P<id>\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b)
    | (?P<number>\d+(?:[.,:]\d+)*)""",
    re.VERBOSE,
)
_MAX_CHARACTERS = 500


def fingerprint(message: str) -> str:
    """*message* with a sign instead of each part that varies."""
    cut = message[:_MAX_CHARACTERS]
    return " ".join(_VARIABLE.sub(lambda found: f"<{found.lastgroup}>", cut).split())
