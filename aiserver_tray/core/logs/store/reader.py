# ruff: noqa: ARG002
"""Questions to the log store."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from aiserver_tray.core.logs.store.answers import Bounds, Counts, ErrorGroup, ErrorGroups, Page
from aiserver_tray.core.logs.store.filter import LogFilter
from aiserver_tray.core.logs.store.line import Cursor, Gap, Kept, Line

BUDGET_SECONDS = 0.2


class LogReader:
    """Reads the file at *path* beside its writer, from any thread. Without a file there are no
    lines.

    Every question raises `LogFilterError` if the filter is wrong, and `LogStoreError` if the file
    can't be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def older(
        self,
        wanted: LogFilter,
        before: Cursor | None = None,
        limit: int = 200,
        *,
        budget_seconds: float = BUDGET_SECONDS,
    ) -> Page:
        """At most *limit* lines before a cursor, or the newest ones; newest first."""
        found = [k for k in reversed(self._all(wanted)) if before is None or k.cursor < before]
        return _page(found, limit)

    def newer(
        self,
        wanted: LogFilter,
        after: Cursor,
        limit: int = 200,
        *,
        budget_seconds: float = BUDGET_SECONDS,
    ) -> Page:
        """At most *limit* lines after a cursor, oldest first."""
        return _page([k for k in self._all(wanted) if k.cursor > after], limit)

    def at(
        self,
        wanted: LogFilter,
        time: int,
        limit: int = 200,
        *,
        budget_seconds: float = BUDGET_SECONDS,
    ) -> Page:
        """At most *limit* lines at or before a time (nanoseconds since 1970), newest first."""
        return self.older(wanted, Cursor(time + 1, 0), limit, budget_seconds=budget_seconds)

    def around(self, cursor: Cursor, before: int = 50, after: int = 50) -> Sequence[Kept]:
        """A line with lines of the same service before and after it, in their order; empty if the
        line is gone."""
        page = self.older(LogFilter(), Cursor(cursor.time, cursor.number + 1), 1)
        if not page.lines or page.lines[0].cursor != cursor:
            return []
        line = page.lines[0].line
        same = LogFilter(services=((line.module, line.service),))
        older, newer = self.older(same, cursor, before), self.newer(same, cursor, after)
        return [*reversed(older.lines), *page.lines, *newer.lines]

    def histogram(  # noqa: PLR0913 - the question's parts
        self,
        wanted: LogFilter,
        begin: int,
        end: int,
        buckets: int,
        *,
        budget_seconds: float = BUDGET_SECONDS,
        before: Cursor | None = None,
    ) -> Counts:
        """Counts of lines between two times in *buckets* equal parts. To continue: *before* is
        what the last answer `reached`."""
        counts = [Counter[str]() for _ in range(buckets)]
        levels, modules = Counter[str](), Counter[str]()
        for cursor, line in self._all(wanted):
            if begin <= line.time < end and (before is None or cursor < before):
                counts[(line.time - begin) * buckets // (end - begin)][line.level] += 1
                levels[line.level] += 1
                modules[line.module] += 1
        return Counts(counts, levels, modules, None)  # type: ignore[arg-type]

    def errors(
        self,
        wanted: LogFilter,
        *,
        budget_seconds: float = BUDGET_SECONDS,
        before: Cursor | None = None,
    ) -> ErrorGroups:
        """Entries with a level of the filter (without one: errors), grouped by what is equal in
        them."""
        if not wanted.levels:
            wanted = replace(wanted, levels=frozenset({"error"}))
        groups: dict[str, ErrorGroup] = {}
        for kept in self._all(wanted):
            line = kept.line
            if not line.continues:
                group = groups.get(line.text)
                groups[line.text] = ErrorGroup(
                    line.text,
                    line.text,
                    line.level,
                    line.module,
                    line.service,
                    group.count + 1 if group else 1,
                    group.first if group else line.time,
                    line.time,
                    kept,
                )
        return ErrorGroups(sorted(groups.values(), key=lambda group: -group.last), None)

    def bounds(self) -> Bounds:
        """What the store holds."""
        lines = self._all(LogFilter())
        if not lines:
            return Bounds(None, None, 0, 0)
        size = self._path.stat().st_size
        return Bounds(lines[0].line.time, lines[-1].line.time, len(lines), size)

    def newest_number(self) -> int:
        """The number of the line that was stored last; 0 without lines."""
        return max((kept.cursor.number for kept in self._all(LogFilter())), default=0)

    def gaps(self, wanted: LogFilter) -> Sequence[Gap]:
        """Where lines of the filter's services are missing in its time."""
        with closing(sqlite3.connect(self._path)) as db:
            found = map(Gap._make, db.execute("SELECT * FROM gap ORDER BY begin"))
            return [
                gap
                for gap in found
                if wanted.wants_source(gap.module, gap.service)
                and (wanted.since is None or wanted.since < gap.end)
                and (wanted.until is None or gap.begin < wanted.until)
            ]

    def _all(self, wanted: LogFilter) -> list[Kept]:
        if not self._path.exists():
            return []
        with closing(sqlite3.connect(self._path)) as db:
            rows = db.execute("SELECT * FROM line ORDER BY time, number")
            lines = [
                Kept(Cursor(row[1], row[0]), Line._make((*row[1:6], bool(row[6]), row[7])))
                for row in rows
            ]
        text = wanted.text.lower()
        return [k for k in lines if wanted.wants(k.line) and text in k.line.text.lower()]


def _page(found: Sequence[Kept], limit: int) -> Page:
    lines, is_end = found[:limit], len(found) <= limit
    return Page(lines, None if is_end else lines[-1].cursor, is_end)
