"""The events of logs."""

from typing import Final, Literal, NotRequired, TypedDict

from aiserver_tray.features.logs.line import Level, LineFacts
from aiserver_tray.protocol.message import Event

# -- the forms in which clients get kept log lines ------------------------------------------------


JOURNAL: Final = "AI-Server"
"""The module of the journal's lines. No other module has such a name."""


class LogLineJson(LineFacts):
    """A kept line of a service's log."""

    cursor: str
    """its place among all lines; no two lines have the same"""
    time: float
    """when it was written: seconds since 1970"""
    timestamp: str
    """the same as RFC 3339 with nanoseconds"""
    text: str
    """the line; may have ANSI colours"""
    isCheck: bool  # noqa: N815 - ruff knows only direct subclasses of TypedDict
    """whether it is the request of a health check that did not fail"""


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
    recovered: int | None
    """percent of a damaged file of kept lines that was read again; `null`: there is none, or all"""
    unreadable: list[UnreadableService]
    """services of which nothing can be kept"""


class LogEvent(TypedDict):
    """A line of a stream, or the state of the stream. Nothing follows `error` or `end`."""

    streamId: str
    """the client's own name for the stream"""
    event: Literal["stdout", "stderr", "notice", "error", "end"]
    """`notice`: one service's log can't be read, the others continue; `error`: the stream failed;
    `end`: it has ended"""
    chunk: NotRequired[str]
    """the line, of `stdout` and `stderr`"""
    timestamp: NotRequired[str | None]
    """time of writing, of `stdout` and `stderr`"""
    module: NotRequired[str]
    """the module, of `stdout`, `stderr` and `notice`"""
    service: NotRequired[str]
    """the service's name in the Compose file, of `stdout`, `stderr` and `notice`"""
    level: NotRequired[Level]
    """from the line's own structure, or of the entry that the line continues; of `stdout` and
    `stderr`"""
    continues: NotRequired[bool]
    """whether it belongs to the service's entry above it, as a line of a stack trace does; of
    `stdout` and `stderr`"""
    code: NotRequired[str]
    """the error's code, of `error`"""
    message: NotRequired[str]
    """the reason, of `notice` and `error`"""


class FollowedLines(TypedDict):
    """New lines of a stream, in the order in which they came."""

    streamId: str
    """the client's own name for the stream"""
    lines: list[LogLineJson]
    dropped: int
    """lines before these that were left out, because the client is too slow; `ai/logs/lines` has
    them"""
    total: int
    """all lines of the stream so far, with these and those that were left out"""


class LogExportJson(TypedDict):
    """An export of kept lines."""

    exportId: str
    status: Literal["running", "succeeded", "failed", "cancelled"]
    lines: int
    """the lines so far"""
    percent: float
    """of the exported time"""
    file: str | None
    """the file's path on the owner's machine; `null` until it is complete"""
    name: str
    """the file's name"""
    size: int
    """its bytes so far"""
    canOpen: bool
    """`ai/logs/openExports` can show its folder"""
    code: str | None
    """the error's code, of `failed`"""
    message: str
    """the reason, of `failed`"""


LOG = Event("ai/module/log", LogEvent, "A line of a stream that this client attached to.")
FOLLOWED = Event("ai/logs/followed", FollowedLines, "New kept lines of a stream of this client.")
LOG_EXPORT = Event(
    "ai/logs/exportEvent",
    LogExportJson,
    "An export of kept lines progressed or ended.",
    key=lambda payload: payload["exportId"],
)
