"""Lines of the log store, and what is stored beside them."""

from typing import NamedTuple

from aiserver_tray.core.logs.level import Level
from aiserver_tray.engine.values import LogStreamName


class Line(NamedTuple):
    """A line of a container's log."""

    time: int
    """nanoseconds since 1970, by the engine's clock"""
    module: str
    service: str
    stream: LogStreamName
    level: Level
    continues: bool
    """whether it belongs to the entry above of the same service and stream"""
    text: str
    """masked, without line end; may contain ANSI colours"""


class Cursor(NamedTuple):
    """The place of a line among all lines, which are in the order of their cursors. It stays the
    same for as long as the line exists."""

    time: int
    number: int
    """ascending in the order of storing, never used again"""


class Kept(NamedTuple):
    """A stored line."""

    cursor: Cursor
    line: Line


class Mark(NamedTuple):
    """How far one output of a container is stored."""

    container: str
    """its ID"""
    stream: LogStreamName
    time: int
    """of the last line: nanoseconds since 1970, exactly as the engine wrote it"""
    newest: int
    """the highest time of its lines: the clock may have been set back"""


class Gap(NamedTuple):
    """Lines of a service are missing between two times (nanoseconds since 1970)."""

    module: str
    service: str
    begin: int
    end: int
