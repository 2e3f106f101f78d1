"""Reading the log lines of a service: levels, messages, fields, and which lines belong together.
Nothing searches a message for words such as "error". Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import NamedTuple

from aiserver_tray.base.json_line import LEVEL_KEYS, MESSAGE_KEYS, json_fields
from aiserver_tray.base.strings import SGR
from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.line import (
    LETTERS,
    NO_FIELDS,
    WORDS,
    Entry,
    Level,
    level_of_number,
    level_words,
)

_LEVEL_WORDS: Mapping[str, Level] = {**WORDS, "http": "debug", "silly": "debug", "log": "info"}
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')


def read_json(line: str) -> Entry | None:
    """Read a line that is a JSON object."""
    fields = json_fields(line)
    return None if fields is None else _entry(line, fields)


def read_logfmt(line: str) -> Entry | None:
    """Read a line that begins with ``key=value`` and has several of them."""
    fields = _logfmt_fields(line)
    return None if fields is None else _entry(line, fields)


def fields_of(line: str) -> Mapping[str, object] | None:
    """The fields of a line of JSON or logfmt; None: it is neither."""
    return json_fields(line) if line.startswith("{") else _logfmt_fields(line)


def _logfmt_fields(line: str) -> Mapping[str, object] | None:
    if not _PAIR.match(line):
        return None
    fields = {key: _unquoted(value) for key, value in _PAIR.findall(line)}
    return fields if len(fields) > 1 else None


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value


def _entry(line: str, fields: Mapping[str, object]) -> Entry:
    return Entry(_level(fields), _message(fields) or line, fields)


def _level(fields: Mapping[str, object]) -> Level:
    for key in LEVEL_KEYS:
        if key in fields:
            return _level_of(fields[key])
    if isinstance(log := fields.get("log"), dict):  # Elastic's schema
        return _level_of(log.get("level"))
    if isinstance(letter := fields.get("s"), str):  # MongoDB
        return LETTERS.get(letter[:1], "unknown")
    return "unknown"


def _level_of(value: object) -> Level:
    if isinstance(value, str):
        return _LEVEL_WORDS.get(value.strip().lower(), "unknown")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return level_of_number(value)
    return "unknown"


def _message(fields: Mapping[str, object]) -> str:
    inner = fields.get("fields")  # Rust's tracing
    for source in (fields, inner) if isinstance(inner, dict) else (fields,):
        for key in MESSAGE_KEYS:
            if isinstance(message := source.get(key), str):
                return message
    return ""


@dataclass(frozen=True)
class Format:
    """The format of a logger, or of several loggers whose lines look the same."""

    begins: str
    """the characters with which a line of this format can begin"""
    read: Callable[[str], Entry | None]
    """reads a line; None if the line has another format"""


def _with_level(begins: str, pattern: str, levels: Mapping[str, Level | None]) -> Format:
    """Lines whose level is in a group of *pattern*, and whose message is behind the match."""
    match = re.compile(pattern, re.VERBOSE).match

    def read(line: str) -> Entry | None:
        if not (found := match(line)):
            return None
        word = found[found.lastgroup or 0]
        level = levels[word] if word in levels else levels[word.lower()]
        return Entry(level, line[found.end() :])

    return Format(begins, read)


def _all(level: Level | None, begins: str, pattern: str) -> Format:
    """Lines that have the same *level*, because only one kind of lines looks like *pattern*."""
    match = re.compile(pattern, re.VERBOSE).match
    return Format(begins, lambda line: Entry(level, line) if match(line) else None)


def _one_of(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_WORD = _one_of(WORDS)
_LEVEL = rf"""(?:
    (?P<capitals>{_WORD.upper()})(?=[\s:/|\])>\[]|$)  # INFO x, INFO: x, INFO] x, INFO/MainProcess
  | (?P<any>(?i:{_WORD}))(?=\s{{0,6}}[:|\])>]|\t)      # info: x, info  ] x, info | x
)(?:/[\w-]+)?[\]\s:|)>-]*"""
_FIRST = rf"(?:(?P<capitals>{_WORD.upper()})(?=[\s:]|$)|(?P<any>(?i:{_WORD}))(?=\s{{0,6}}:))[\s:-]*"
"""A level at the beginning of a line."""
_DAY = r"\d{4}[-/.]\d\d[-/.]\d\d"
_CLOCK = r"\d?\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_TIME = rf"""(?:
    {_DAY}(?:T|\s-\s|\s{{1,2}}){_CLOCK}\s?(?:Z|UTC|[+-]\d\d:?\d\d)?   # ISO 8601, nginx, GIN
  | \d\d?[-/](?:\d\d|[A-Z][a-z]\w)[-/]\d{{4}},?\s{_CLOCK}(?:\s[AP]M)?  # Tomcat, Nest
  | (?:[A-Z][a-z]\w\s)?[A-Z][a-z]\w\s[\s\d]\d\s{_CLOCK}(?:\s\d{{4}})?  # Apache, syslog
  | {_CLOCK}
)"""
_CONTEXT = r"""(?:(?:
    \[[^\]\[]{1,80}\](?:\s?:)?         # [main]
  | \(\w{1,40}\)                       # (main)
  | \d{1,9}                            # 31, a process
  | (?:[\w.-]{1,60}\s)?[-|]            # root -
  | [\w./-]{1,60}\.\w{1,5}:\d{1,6}:?   # main.go:12:
  | kid\d{1,3}\|                       # kid1|, of Squid
)\s{0,8})"""
"""What loggers write between the time and the level."""

_POSTGRES: Mapping[str, Level | None] = {
    **level_words(
        debug="DEBUG1 DEBUG2 DEBUG3 DEBUG4 DEBUG5", info="INFO NOTICE LOG", warn="WARNING"
    ),
    **level_words(error="ERROR FATAL PANIC"),
    **dict.fromkeys(("DETAIL", "HINT", "QUERY", "CONTEXT", "STATEMENT", "LOCATION"), None),
}
_REDIS = level_words(debug=". -", info="*", warn="#")
_MYSQL = level_words(info="system note", warn="warning warn", error="error")
_LOGRUS = level_words(debug="TRAC DEBU", info="INFO", warn="WARN", error="ERRO FATA PANI")
_DOTNET = level_words(debug="trce dbug", info="info", warn="warn", error="fail crit")
_NPM = level_words(info="info notice", warn="warn", error="error err!")
_NEST: Mapping[str, Level] = {**WORDS, "log": "info"}
_NEXT = level_words(info="✓ ○ ▲", warn="⚠", error="⨯")

FORMATS = (
    # {"level":30,"msg":"listening"}
    Format("{", read_json),
    # 1:M 25 Nov 2026 04:02:44.290 * Ready to accept connections
    _with_level(
        digits,
        rf"\d+:[XCSM]\s\d\d\s\w{{3}}\s\d{{4}}\s{_CLOCK}\s(?P<level>{_one_of(_REDIS)})\s",
        _REDIS,
    ),
    # 2026-11-25 04:02:44.290 UTC [1] LOG:  listening on IPv4 address "0.0.0.0", port 5432
    _with_level(
        digits + "w",
        rf"""(?:waiting\ for\ server\ to\ [a-z\ ]+\.+)?   # in the image's first start
        {_TIME}(?:\s[A-Z]{{2,5}})?\s\[\d+\]\s(?:\S+\s)?(?P<level>{_one_of(_POSTGRES)}):\s+""",
        _POSTGRES,
    ),
    # 2026-11-25T04:02:44.290123Z 0 [System] [MY-010116] [Server] mysqld: ready for connections
    _with_level(digits, rf"{_TIME}(?:\s\d+)?\s\[(?P<level>(?i:{_one_of(_MYSQL)}))\]\s*", _MYSQL),
    # 172.18.0.1 - - [25/Nov/2026:04:02:44 +0000] "GET /error HTTP/1.1" 500 615; of Django; of Squid
    _all(
        "info",
        digits + ascii_letters + ":[",
        r"""[\w.:-]{1,100}\s\S{1,60}\s\S{1,60}\s\[\d\d/[^\]]{10,40}\]\s"
          | \[\d\d/\w{3}/\d{4}[\s:]\d\d:\d\d:\d\d[^\]]{0,8}\]\s"
          | \d{10}\.\d{3}\s+\d+\s\S{3,45}\s[A-Z_]+/\d{3}\s""",
    ),
    # 2026-11-25 04:02:44,290 INFO [main] x; [2026-11-25 04:02:44 +0000] [1] [INFO] x; of gnet
    _with_level(
        digits + "[" + ascii_letters,
        rf"(?:\[gnet\]\s)?\[?{_TIME}[\]:|,]?\s{{0,8}}{_CONTEXT}{{0,3}}?[\[<(]?(?:\w{{1,20}}[:.])?\s?{_LEVEL}",
        WORDS,
    ),
    # 2026/11/25 04:02:44 /app/internal/db/init.go:12 SLOW SQL >= 200ms, and its SQL; of GORM
    _all("warn", digits, rf"{_TIME}\s/\S{{1,200}}\.go:\d+\sSLOW\ SQL\s"),
    _all("error", digits, rf"{_TIME}\s/\S{{1,200}}\.go:\d+\s(?!\[)"),
    _all(None, "[", r"\[\d+\.\d{3}ms\]\s\[rows:"),
    # 2026/11/25 04:02:44 kid1| Accepting HTTP connections at port 3128; of Squid
    _all("info", digits, rf"{_TIME}(?:\skid\d{{1,3}})?\|\s(?!{_LEVEL})"),
    # [GIN] 2026/11/25 - 04:02:44 | 500 | 12.2s | 172.18.0.1 | POST "/v1/chat/completions"
    _all("info", "[", r"\[GIN\]\s\d{4}/"),
    # [GIN-debug] Listening and serving HTTP on :3000
    _all("debug", "[", r"\[GIN-debug\]\s(?!\[(?:WARNING|ERROR)\])"),
    # [Nest] 1  - 11/25/2026, 4:02:44 AM     LOG [NestFactory] Starting Nest application
    _with_level("[", rf"\[Nest\]\s\d+\s+-\s{_TIME}\s+(?P<level>(?i:{_one_of(_NEST)}))\s", _NEST),
    # [INFO] x; <info> x; [main] INFO x; [0.005s][info][gc] x
    _with_level("[<", rf"(?:\[[^\]\[]{{1,40}}\]\s?){{0,2}}?(?:\[\s?|<(?=\w+>\s))?{_LEVEL}", WORDS),
    # E1125 04:02:44.290123       1 main.go:12] lost
    _with_level(
        "".join(LETTERS),
        rf"(?P<level>{_one_of(LETTERS)})\d{{4}}\s{_CLOCK}\s+\d+\s[^\]]{{1,80}}\]\s",
        LETTERS,
    ),
    # time=2026-11-25T04:02:44.290Z level=INFO msg=started
    Format(ascii_letters + "_@", read_logfmt),
    # WARN[0012] slow
    _with_level("TDIWEFP", rf"(?P<level>{_one_of(_LOGRUS)})\[\d{{4,9}}\]\s", _LOGRUS),
    # fail: Microsoft.AspNetCore.Server.Kestrel[13]
    _with_level("tdiwfc", rf"(?P<level>{_one_of(_DOTNET)}):\s(?=\S{{1,200}}\[\d+\]$)", _DOTNET),
    # INFO:     Application startup complete; error: x; WARNING:root:x
    _with_level(ascii_letters, _FIRST, WORDS),
    # npm warn deprecated inflight@1.0.6
    _with_level("n", rf"npm\s(?P<level>(?i:{_one_of(_NPM)}))\s", _NPM),
    # nginx: [emerg] host not found; 20-envsubst-on-templates.sh: ERROR: x
    _with_level(
        digits + ascii_letters + "/", rf"[\w./-]{{1,60}}:\s(?:\[|(?=(?i:{_WORD}):)){_LEVEL}", WORDS
    ),
    # (node:7) [DEP0040] DeprecationWarning: x; /app/a.py:12: UserWarning: x
    _all("warn", "(/", r"\(node:\d+\)\s(?:\[\w+\]\s)?\w*Warning: | /\S{1,300}:\d+:\s\w*Warning:"),
    # 1:signal-handler (1764043364) Received SIGTERM scheduling shutdown...
    _all("info", digits, r"\d+:signal-handler\s\(\d+\)\s"),
    # OpenJDK 64-Bit Server VM warning: Options -Xverify:none were deprecated
    _all("warn", ascii_letters, r"(?:OpenJDK|Java\ HotSpot)\S*\ .{0,30}\bVM\ warning:\s"),
    #  ✓ Ready in 312ms, of Next.js
    _with_level(" " + "".join(_NEXT), rf"\s?(?P<level>{_one_of(_NEXT)})\s", _NEXT),
)
"""In the order in which they are tried."""

_NEW_API = r"\[SYS\]\s\d{4}/"
_ITS_FORMATS: Mapping[LogStreamName, Format] = {
    # [SYS] 2026/11/25 - 04:02:44 | New API started
    "stdout": _all("info", "[", _NEW_API),
    "stderr": _all("error", "[", _NEW_API),
}
"""Formats in which only the output says how severe a line is."""


def _by_beginning(formats: Sequence[Format]) -> Mapping[str, Sequence[Format]]:
    return {
        character: tuple(known for known in formats if character in known.begins)
        for character in {character for known in formats for character in known.begins}
    }


_FORMATS_OF = {stream: _by_beginning([*FORMATS, own]) for stream, own in _ITS_FORMATS.items()}

_PAUSE_NS = 10**9
"""A trace that begins so long after the line above is an error of its own."""


class Parsed(NamedTuple):
    """What is known of a line."""

    level: Level
    """from the line's structure; a line that continues an entry has the entry's level"""
    continues: bool
    """whether it belongs to the entry above, as the lines of a stack trace do"""
    message: str
    fields: Mapping[str, object]
    """of JSON and logfmt"""


class LineParser:
    """Parses the lines of one output of one service, in order. Services rarely change their format,
    so the last one is tried first."""

    def __init__(self, stream: LogStreamName = "stdout") -> None:
        self._formats = _FORMATS_OF[stream]
        self._format: Format | None = None
        self._level: Level | None = None
        """The level of the entry above; None before the first one."""
        self._may_have_trace = False
        """Whether the entry above is a warning or an error of a logger, and no trace followed."""
        self._in_trace = False
        """Whether the line above is part of a trace that has lines without an indent."""
        self._was_frame = False
        """Whether the line above is one after which such a line comes."""
        self._time = 0

    def parse(self, text: str, time: int | None = None) -> Parsed:
        """Parse the next line, which was written at *time* (nanoseconds), if that is known."""
        if time is not None:
            if time - self._time > _PAUSE_NS:
                self._may_have_trace = self._in_trace = False
            self._time = time
        line = SGR.sub("", text) if "\x1b" in text else text
        entry = self._read(line)
        if entry and entry.level:
            self._level = entry.level
            self._may_have_trace = entry.level in {"warn", "error"}
            self._in_trace = False
            return Parsed(entry.level, continues=False, message=entry.message, fields=entry.fields)
        if entry:
            return Parsed(
                self._level or "unknown", continues=True, message=entry.message, fields=entry.fields
            )
        if self._level and self._continues(line):
            return Parsed(self._level, continues=True, message=line, fields=NO_FIELDS)
        self._level = "error" if HEAD.match(line) else "unknown"
        self._enter(line)
        return Parsed(self._level, continues=False, message=line, fields=NO_FIELDS)

    def _read(self, line: str) -> Entry | None:
        """What the line's format says; None if it has no known format."""
        begin = line[:1]
        last = self._format
        if last and begin in last.begins and (entry := last.read(line)):
            return entry
        for known in self._formats.get(begin, ()):
            if known is not last and (entry := known.read(line)):
                self._format = known
                return entry
        return None

    def _continues(self, line: str) -> bool:
        """Whether *line*, which has no known format, belongs to the entry above."""
        if not line or line[0] in " \t":
            self._was_frame = bool(line)
            return True
        if INNER.match(line) or self._begins_trace_of_entry(line):
            self._enter(line)
            return True
        if self._in_trace and self._was_frame:
            self._in_trace = bool(GO_FUNCTION.match(line))
            return True
        return False

    def _begins_trace_of_entry(self, line: str) -> bool:
        if self._may_have_trace:  # zap's have no first line
            return bool(HEAD.match(line) or GO_FUNCTION.match(line))
        return self._in_trace and bool(HEAD.match(line))

    def _enter(self, line: str) -> None:
        """Take *line* as one that can begin a trace."""
        self._may_have_trace = False
        self._in_trace = self._was_frame = bool(FRAMES.match(line) or GO_FUNCTION.match(line))


_CLASS = r"(?:[A-Za-z_][\w$]*\.){0,12}[A-Z][\w$]{0,80}(?:Error|Exception)"

HEAD = re.compile(
    rf"""Traceback\ \(most\ recent\ call\ last\):              # Python
    | (?:panic|fatal\ error):\ |goroutine\ \d+\ \[            # Go
    | thread\ '[^']{{0,80}}'(?:\ \(\d+\))?\ panicked\ at        # Rust
    | (?:Uncaught\ )?{_CLASS}(?:\ \[\w+\])?(?::\ |$)           # Java, Node, .NET
    | Exception\ in\ thread\ |Unhandled\ exception""",
    re.VERBOSE,
)
"""The first line of a trace, which is an error of its own unless an entry with a level is above."""

FRAMES = re.compile(r"Traceback |goroutine \d|thread '|The above |During ")
"""Lines after which, or after whose frames, a line belongs to the trace in any form: Python ends a
trace with the exception, Go and Rust have lines without an indent."""

INNER = re.compile(
    r"""Caused\ by:\ |Suppressed:\ |\.\.\.\ \d+\ (?:more|common)                # Java
    | During\ handling\ of\ the\ above|The\ above\ exception\ was             # Python
    | \[SQL:\ |\[parameters:\ |\(Background\ on\ this\ error                     # SQLAlchemy
    | goroutine\ \d+\ \[|created\ by\ |\[signal\ |\[recovered|exit\ status\ \d    # Go
    | Node\.js\ v\d|\(Use\ `node\ --trace|\(Use\ `[\w./-]+\ --trace            # Node
    | \[stacktrace\]|\#\d+\ (?:/|\[internal|\{main\})                          # PHP
    | note:\ run\ with\ |stack\ backtrace:                                     # Rust""",
    re.VERBOSE,
)
"""Lines of traces without an indent that belong to the entry above."""

GO_FUNCTION = re.compile(r"(?=.{1,300}$)[\w./*()\[\]{}-]{1,200}(?:\(.*\)|\.[\w.()*]{1,80})$")
"""A function in a trace of Go, which has its place on the next line."""
