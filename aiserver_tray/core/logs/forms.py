"""The forms in which clients get kept log lines."""

from typing import Final, Literal, TypedDict

from aiserver_tray.core.logs.level import Level

JOURNAL: Final = "AI-Server"
"""The module of the journal's lines. No other module has such a name."""


class LogLineJson(TypedDict):
    """A kept line of a service's log."""

    cursor: str
    """its place among all lines; no two lines have the same"""
    time: float
    """when it was written: seconds since 1970"""
    timestamp: str
    """the same as RFC 3339 with nanoseconds"""
    module: str
    service: str
    """the service's name in the Compose file"""
    stream: Literal["stdout", "stderr"]
    level: Level
    """from the line's own structure, or of the entry that the line continues"""
    continues: bool
    """whether it belongs to the service's entry above it, as a line of a stack trace does"""
    text: str
    """the line; may have ANSI colours"""


class LogGapJson(TypedDict):
    """A time in which lines of a service are missing, because the engine no longer had them."""

    module: str
    service: str
    begin: float
    """seconds since 1970"""
    end: float
    """seconds since 1970"""
