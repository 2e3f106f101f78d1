"""What clients ask the kept logs, and what they get, as JSON, with what is known of each line."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple, TypedDict, cast

from pydantic import Field

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import SGR, rfc3339
from aiserver_tray.features.logs.events import LogGapJson, LogLineJson
from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Level, Line
from aiserver_tray.features.logs.parser import fields_of
from aiserver_tray.features.logs.query import ErrorGroup, FieldCondition, LogFilter
from aiserver_tray.model import MAX_NAMES, ModuleModel
from aiserver_tray.protocol.channel import Names, Payload

_NANOSECONDS = 10**9
_MAX_DEPTH = 20
"""Of lists and objects in the field of a line. Deeper values are shown as text."""


Paths = Mapping[tuple[str, str], Collection[str]]
"""(module, service) -> the paths that its health check requests."""


class _Request(NamedTuple):
    """A request for a page that was answered. ``client``: the part of the line that has its
    address, if it is stated."""

    client: str
    path: str
    status: int


_FORMATS: Final = tuple(
    re.compile(format, re.VERBOSE)
    for format in (
        # 127.0.0.1 - - [25/Nov/2026:04:02:44 +0000] "GET /healthz HTTP/1.1" 200 2 "-" "curl/8.5.0"
        r"""(?P<client>[^"]*)"(?:GET|HEAD)\s(?P<path>/[^\s?"]*)[^\s"]*(?:\sHTTP/[\d.]{1,3})?"
        \s(?P<status>\d{3})\b""",
        # [GIN] 2026/11/25 - 04:02:44 | 200 | 68.5µs | 127.0.0.1 | GET "/health"; of New API
        r"""\[GIN\][^|]*\|(?:[^|]*\|){0,2}?\s*(?P<status>\d{3})\s*\|[^|]*\|(?P<client>[^|]*)\|
        \s*(?:GET|HEAD)\s+"?(?P<path>/[^\s?"]*)""",
        # … INFO HTTP request{method=GET host="127.0.0.1:7700" route=/health … status_code=200}: …
        r"""(?P<client>[^"{]*\{method=(?:GET|HEAD)\s(?:\w+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)\s){0,9}?)
        (?:route|path)=(?P<path>/[^\s?}]*).*\sstatus(?:_code)?=(?P<status>\d{3})\b""",
        # 2026-11-25 04:02:44 INFO GET /healthz 200
        r"""(?P<client>[\d.:,TZ/+\[\]\s-]*)(?:\[?(?i:info|debug)\]?:?\s+)?(?:GET|HEAD)
        \s(?P<path>/[^\s?"]*)\S*\s(?:HTTP/[\d.]{1,3}\s)?(?P<status>\d{3})\b""",
    )
)
_METHODS: Final = frozenset({"GET", "HEAD"})
_STATUS: Final = re.compile(r"\d{3}")
_USUAL_PATH: Final = re.compile(
    r"""(?:/[\w.-]+){0,4}/(?:
      health(?:z|y|[-_]?checks?)? | livez | readyz | liveness | readiness | _?ping
    | (?:healthz?|\.well-known|-)/(?:live|ready|healthy|check|cluster|liveness|readiness|started)
    )/?""",
    re.VERBOSE,
)
"""Paths that are for health checks by convention."""
_PROBE: Final = re.compile(
    "kube-probe/|ELB-HealthChecker/|GoogleHC/|Amazon-Route53-Health|Consul Health Check|Uptime-Kuma"
)
"""Programs that do nothing else. Anybody can use their names."""
_TOOL: Final = re.compile(r"\b(?:curl|[Ww]get)/\d|\bWget\b")
_LOCAL: Final = re.compile(r"(?<![\d.])127\.0\.0\.1(?![\d.])|(?<![\w:])::1(?![\w:])|\blocalhost\b")
"""The check of a container comes from inside it."""

_FAILED, _REFUSED = 500, 400
_MAX_CHARACTERS = 2000


class HealthChecks:
    """Recognises health checks: by the paths that those of *modules* request from within the
    container, by usual paths, and by the programs that do nothing else. Others can choose a part of
    such a line, so only the places count at which a server writes its own."""

    def __init__(self, modules: Callable[[], tuple[ModuleModel, ...]]) -> None:
        self._modules = modules
        self._known: tuple[tuple[ModuleModel, ...], Paths] = ((), {})

    def has(self, line: Line) -> bool:
        """Whether *line* is one that did not fail. One that failed is worth reading."""
        if line.continues or line.level in {"warn", "error"} or not _may_be_request(line.text):
            return False
        text = SGR.sub("", line.text) if "\x1b" in line.text else line.text
        request = _request(text)
        return request is not None and self._asks_for_health(line, text, request)

    def _asks_for_health(self, line: Line, text: str, request: _Request) -> bool:
        is_local = bool(_LOCAL.search(request.client))
        is_tool, is_probe = bool(_TOOL.search(text)), bool(_PROBE.search(text))
        if request.path in self._paths.get((line.module, line.service), ()):
            # Some checks accept any response of a server that works.
            return request.status < _FAILED and (is_tool or is_local or is_probe)
        if request.status >= _REFUSED:
            return False
        if request.path == "/":
            return is_probe or (is_tool and is_local)
        return bool(_USUAL_PATH.fullmatch(request.path))

    @property
    def _paths(self) -> Paths:
        modules, paths = self._known
        if (now := self._modules()) is not modules:
            paths = {(m.name, s.name): s.checked for m in now for s in m.services if s.checked}
            self._known = (now, paths)
        return paths


def _may_be_request(text: str) -> bool:
    return ("GET" in text or "HEAD" in text) and len(text) < _MAX_CHARACTERS


def _request(text: str) -> _Request | None:
    """The request that the line *text* is about; None: it states none with its status."""
    if fields := fields_of(text):
        return _request_of(fields, text)
    found = next((match for known in _FORMATS if (match := known.match(text))), None)
    return found and _Request(found["client"], found["path"], int(found["status"]))


def _request_of(fields: Mapping[str, object], text: str) -> _Request | None:
    asked, answer = _inner(fields, "req", "request"), _inner(fields, "res", "response")
    path = _first(asked, "url", "uri", "path", "route").partition("?")[0]
    status = _first(answer, "statusCode", "status_code", "status")
    if asked.get("method") in _METHODS and path.startswith("/") and _STATUS.fullmatch(status):
        return _Request(text, path, int(status))
    return None


def _inner(fields: Mapping[str, object], *names: str) -> Mapping[str, object]:
    """Those of *fields* that are in the first field of *names*; if there is none, all."""
    found = (fields.get(name) for name in names)
    return next((inner for inner in found if isinstance(inner, dict)), fields)


def _first(fields: Mapping[str, object], *names: str) -> str:
    return next((str(fields[name]) for name in names if name in fields), "")


def line_json(kept: Kept, checks: HealthChecks) -> LogLineJson:
    cursor, line = kept
    more = {
        "time": seconds(line.time),
        "timestamp": rfc3339(line.time),
        "isCheck": checks.has(line),
    }
    return cast("LogLineJson", {"cursor": cursor_text(cursor), **line._asdict(), **more})


def gap_json(gap: Gap) -> LogGapJson:
    module, service, begin, end = gap
    return {"module": module, "service": service, "begin": seconds(begin), "end": seconds(end)}


def seconds(time: int) -> float:
    """*time* (nanoseconds since 1970) in seconds."""
    return time / _NANOSECONDS


def nanoseconds(time: float) -> int:
    """*time* (seconds since 1970) in nanoseconds."""
    return round(time * _NANOSECONDS)


def cursor_text(cursor: Cursor) -> str:
    return f"{cursor.time}-{cursor.number}"


def cursor_of(text: str, field: str) -> Cursor:
    """The cursor that a client got as *text*.

    Raises:
        RequestError: it is none; names the payload's *field*.
    """
    time, _, number = text.partition("-")
    if not (time.isdecimal() and number.isdecimal()):
        raise RequestError(Text("{text!r} is not a cursor", text=text), [field])
    return Cursor(int(time), int(number))


def plain_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    """The *fields* of a line in JSON that each client can read."""
    return {name: _plain(value, _MAX_DEPTH) for name, value in fields.items()}


def _plain(value: object, depth: int) -> object:
    match value:
        case float() if not math.isfinite(value):  # not in JSON, but Python reads it
            return str(value)
        case dict() if depth:
            return {name: _plain(inner, depth - 1) for name, inner in value.items()}
        case list() if depth:
            return [_plain(inner, depth - 1) for inner in value]
        case dict() | list():
            return "…"
    return value


MAX_TEXT = 1000
"""Maximum characters of a text or pattern."""

Seconds = Annotated[float, Field(ge=0, le=9e9, allow_inf_nan=False)]
FilterText = Annotated[str, Field(max_length=MAX_TEXT)]


class LogFilterForm(Payload):
    """Selects kept log lines. A line must meet every condition."""

    modules: Names = ()
    """of these modules; `AI-Server` is the journal. Without `modules` and `services`: of all"""
    services: Names = ()
    """of these services too, as `module/service`"""
    levels: Annotated[tuple[Level, ...], Field(max_length=MAX_NAMES)] = ()
    """of these levels; none: of all"""
    since: Seconds | None = None
    """written then or later: seconds since 1970"""
    until: Seconds | None = None
    """written before that: seconds since 1970"""
    text: FilterText = ""
    """with this text, in any case"""
    pattern: FilterText = ""
    """with a match of this regular expression (RE2)"""
    fields: Annotated[tuple[FilterText, ...], Field(max_length=20)] = ()
    """with these values of fields of JSON or logfmt, such as `status>=500` or `trace_id=abc`; the
    operators are `=`, `!=`, `<`, `<=`, `>` and `>=`"""
    streams: Annotated[tuple[Literal["stdout", "stderr"], ...], Field(max_length=2)] = ()
    """of these outputs; none: of both"""

    def read(self) -> LogFilter:
        """What the store understands.

        Raises:
            LogFilterError: a condition on a field is none.
        """
        return LogFilter(
            modules=self.modules,
            services=tuple(map(_address, self.services)),
            levels=frozenset(self.levels),
            since=None if self.since is None else nanoseconds(self.since),
            until=None if self.until is None else nanoseconds(self.until),
            text=self.text,
            pattern=self.pattern,
            fields=tuple(map(FieldCondition.parse, self.fields)),
            streams=frozenset(self.streams),
        )


def _address(service: str) -> tuple[str, str]:
    module, _, name = service.partition("/")
    return module, name or module


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


@dataclass(frozen=True)
class LogErrorGroup:
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


def error_group(group: ErrorGroup) -> LogErrorGroup:
    return view_of(
        LogErrorGroup,
        group,
        first=seconds(group.first),
        last=seconds(group.last),
        cursor=cursor_text(group.newest.cursor),
    )


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
