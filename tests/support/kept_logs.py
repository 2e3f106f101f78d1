"""What the log store of a home has."""

from collections.abc import Iterator
from pathlib import Path

from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.kept import file_of_logs
from aiserver_tray.features.logs.line import Cursor, Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader


def kept(home: Path, module: str, *streams: LogStreamName) -> list[str]:
    """The texts of the lines of *module*, from *streams* or all, the oldest first."""
    wanted = LogFilter(modules=(module,), streams=frozenset(streams))
    return [line.text for line in kept_lines(home, wanted)]


def kept_lines(home: Path, wanted: LogFilter) -> Iterator[Line]:
    """The *wanted* lines, the oldest first."""
    reader, cursor = LogReader(file_of_logs(home)), Cursor(0, 0)
    while True:
        page = reader.newer(wanted, cursor, 10_000)
        yield from (line for _, line in page.lines)
        if page.is_end or page.reached is None:
            return
        cursor = page.reached
