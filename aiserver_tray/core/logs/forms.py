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


class LogBounds(TypedDict):
    """What is kept."""

    first: float | None
    """the time of the oldest line: seconds since 1970; `null` without a line"""
    last: float | None
    """the time of the newest line: seconds since 1970; `null` without a line"""
    lines: int
    """about how many"""
    bytes: int
    """on the disk"""
    isKept: bool
    """new lines are kept, as the settings say; if not, nothing is followed"""
    notKept: list[str]
    """modules whose new lines are not kept, as the settings say"""
    behind: list[str]
    """modules of which earlier lines are not kept yet, because the owner has just begun"""


class KeptModule(TypedDict):
    """What is kept of a module, approximately."""

    module: str
    """its name, also of one that is gone; `AI-Server` for the journal"""
    services: list[str]
    """those with lines"""
    lines: int
    bytes: int
    """on the disk"""
    first: float
    """time of the oldest line: seconds since 1970"""


class UnreadableService(TypedDict):
    """A service whose log the engine can't read, because of its logging driver."""

    module: str
    service: str


class KeptLogsJson(TypedDict):
    """What is kept."""

    modules: list[KeptModule]
    """those with lines, by name"""
    bytes: int
    """on the disk, of all modules"""
    problem: str | None
    """why nothing can be stored now, for people"""
    unreadable: list[UnreadableService]
    """services of which nothing can be kept"""
