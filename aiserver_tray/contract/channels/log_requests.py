"""What clients ask the kept logs, and what they get."""

from typing import Annotated, Any, TypedDict

from pydantic import Field

from aiserver_tray.contract.channel import Payload
from aiserver_tray.contract.channels.log_filter import LogFilterForm, Seconds
from aiserver_tray.core.logs.forms import LogGapJson, LogLineJson
from aiserver_tray.core.logs.level import Level

CursorText = Annotated[str, Field(max_length=100)]


class LogLinesRequest(Payload):
    """Lines before or after a place; without one, the newest lines. Only one place is possible."""

    filter: LogFilterForm
    before: CursorText | None = None
    """older lines than the one of this cursor"""
    after: CursorText | None = None
    """newer lines than the one of this cursor; empty: from the oldest line on"""
    at: Seconds | None = None
    """lines of that time or older: seconds since 1970"""
    limit: int = Field(default=200, ge=1, le=1000)
    """at most so many lines"""
    kept_after: CursorText | None = None
    """only lines that were kept later than the one of this cursor, whatever their times"""
    kept_until: CursorText | None = None
    """only lines that were kept no later than the one of this cursor, whatever their times"""


class LogLines(TypedDict):
    """Lines in the order asked: the newest first, or with `after` the oldest first."""

    lines: list[LogLineJson]
    reached: str | None
    """the cursor with which to go on, as `before` or `after`; also when no line was found yet"""
    isEnd: bool
    """there are no more lines"""
    gaps: list[LogGapJson]
    """gaps in the searched time"""


class LogHistogramRequest(Payload):
    """The number of lines over time."""

    filter: LogFilterForm
    begin: Seconds
    """seconds since 1970"""
    end: Seconds
    """seconds since 1970"""
    buckets: int = Field(default=120, ge=1, le=400)
    """the number of parts of equal length"""
    from_: CursorText | None = Field(default=None, alias="from")
    """`reached` of the answer before: this one has only what comes on top of it"""


class LogCounts(TypedDict):
    """Numbers of lines by level."""

    debug: int
    info: int
    warn: int
    error: int
    unknown: int


class LogBucket(LogCounts):
    """Numbers of lines in a part of the time."""

    entries: LogCounts
    """of them without those that continue an entry, as the lines of a stack trace do"""
    begin: float
    """seconds since 1970"""
    end: float
    """seconds since 1970"""


class LogHistogram(TypedDict):
    """Numbers of lines over time. Add up the answers until nothing is left."""

    buckets: list[LogBucket]
    byLevel: LogCounts
    byModule: dict[str, int]
    """module -> its lines"""
    reached: str | None
    """for `from` of the next request; `null`: everything was counted"""


class LogAroundRequest(Payload):
    """The lines around one of the same service."""

    cursor: CursorText
    before: int = Field(default=20, ge=0, le=500)
    """the number of lines before it"""
    after: int = Field(default=20, ge=0, le=500)
    """the number of lines after it"""


class LogContext(TypedDict):
    """Lines of one service, the oldest first."""

    lines: list[LogLineJson]


class LogErrorsRequest(Payload):
    """Entries of level `error`, in groups of equal ones."""

    filter: LogFilterForm
    from_: CursorText | None = Field(default=None, alias="from")
    """`reached` of the answer before: this one has only what comes on top of it"""


class LogErrorGroup(TypedDict):
    """Entries that differ only in numbers, identifiers and the like."""

    fingerprint: str
    """equal in each answer"""
    message: str
    """of the newest entry"""
    module: str
    service: str
    level: Level
    count: int
    """the number of entries"""
    first: float
    """the time of the oldest entry: seconds since 1970"""
    last: float
    """the time of the newest entry: seconds since 1970"""
    cursor: str
    """of the newest entry"""


class LogErrors(TypedDict):
    """Groups of equal entries. Add up the answers until nothing is left."""

    groups: list[LogErrorGroup]
    reached: str | None
    """for `from` of the next request; `null`: everything was searched"""


class LogLinePlace(Payload):
    """A line."""

    cursor: CursorText


class LogEntryDetails(TypedDict):
    """A line with the entry that it belongs to."""

    line: LogLineJson
    """the first line of the entry"""
    message: str
    """the entry's message, without time and level"""
    fields: dict[str, Any]
    """the entry's fields, of JSON and logfmt"""
    lines: list[LogLineJson]
    """all lines of the entry, such as those of a stack trace"""
