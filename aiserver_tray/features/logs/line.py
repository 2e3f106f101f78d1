"""A log line: its level, its place in the store, and its JSON. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypedDict, cast, get_args

from aiserver_tray.base.strings import rfc3339
from aiserver_tray.engine.values import LogStreamName

Level = Literal["debug", "info", "warn", "error", "unknown"]

LEVELS: tuple[Level, ...] = get_args(Level)[:-1]
"""From the least to the most severe, without `unknown`."""
_SEVERITY: Mapping[Level, int] = {"debug": 0, "info": 1, "unknown": 1, "warn": 2, "error": 3}


def level_words(**words: str) -> dict[str, Level]:
    """Word -> level, from the words for each level: ``level_words(warn="warn warning")``."""
    return {word: cast(Level, level) for level, of_it in words.items() for word in of_it.split()}


WORDS: Mapping[str, Level] = level_words(
    debug="trace debug dbg verbose",
    info="info information inf notice success",
    warn="warn warning wrn",
    error="error err eror fatal ftl dpanic panic critical crit severe alert emerg emergency",
)
"""Level words of most loggers, in lower case."""

LETTERS: Mapping[str, Level] = level_words(debug="D V", info="I", warn="W", error="E F")
"""Level letters of glog, klog and MongoDB."""


def level_of_number(number: float) -> Level:
    """The level of a number: syslog's are below 10, pino's and bunyan's from 10 to 60, Monolog's
    from 100 (https://getpino.io/#/docs/api?id=level-string)."""
    if number < 10:
        return ("error", "warn", "info", "debug")[sum(number >= bound for bound in (4, 5, 7))]
    bounds = (30, 40, 50) if number < 100 else (200, 300, 400)
    return ("debug", "info", "warn", "error")[sum(number >= bound for bound in bounds)]


def is_at_least(level: Level, wanted: Level) -> bool:
    """Whether *level* is as severe as *wanted* or more. An unknown level counts as information."""
    return _SEVERITY[level] >= _SEVERITY[wanted]


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


NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class Entry(NamedTuple):
    """What the structure of a log line states."""

    level: Level | None
    """None: the line adds to the entry above"""
    message: str
    fields: Mapping[str, object] = NO_FIELDS
    """of JSON and logfmt"""


class LineFacts(TypedDict):
    """A line of a service's log, without its time and its text."""

    module: str
    service: str
    """the service's name in the Compose file"""
    stream: Literal["stdout", "stderr"]
    level: Level
    """from the line's own structure, or of the entry that the line continues"""
    continues: bool
    """whether it belongs to the service's entry above it, as a line of a stack trace does"""


class LogRecordJson(LineFacts):
    """A line of a log, as ``logs --json`` prints it, and as exports have it."""

    time: str
    """time of writing, with nanoseconds"""
    message: str
    """the line"""


def record(line: Line) -> LogRecordJson:
    """*line* for JSON."""
    facts = {name: getattr(line, name) for name in LineFacts.__annotations__}
    return cast("LogRecordJson", {"time": rfc3339(line.time), **facts, "message": line.text})
