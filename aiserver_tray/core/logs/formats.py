"""The formats of log lines, as a table: each finds the level in the structure of a line. None
searches the message for words such as "error". Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from string import ascii_letters, digits

from aiserver_tray.core.logs.entry import Entry
from aiserver_tray.core.logs.level import LETTERS, WORDS, Level
from aiserver_tray.core.logs.structured import read_json, read_logfmt


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


def _all(level: Level, begins: str, pattern: str) -> Format:
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
    **dict.fromkeys(("DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5"), "debug"),
    **dict.fromkeys(("INFO", "NOTICE", "LOG"), "info"),
    "WARNING": "warn",
    **dict.fromkeys(("ERROR", "FATAL", "PANIC"), "error"),
    **dict.fromkeys(("DETAIL", "HINT", "QUERY", "CONTEXT", "STATEMENT", "LOCATION"), None),
}
_REDIS: Mapping[str, Level] = {".": "debug", "-": "debug", "*": "info", "#": "warn"}
_MYSQL: Mapping[str, Level] = {
    **dict.fromkeys(("system", "note"), "info"),
    **dict.fromkeys(("warning", "warn"), "warn"),
    "error": "error",
}
_LOGRUS: Mapping[str, Level] = {
    **dict.fromkeys(("TRAC", "DEBU"), "debug"),
    "INFO": "info",
    "WARN": "warn",
    **dict.fromkeys(("ERRO", "FATA", "PANI"), "error"),
}
_DOTNET: Mapping[str, Level] = {
    **dict.fromkeys(("trce", "dbug"), "debug"),
    "info": "info",
    "warn": "warn",
    **dict.fromkeys(("fail", "crit"), "error"),
}
_NPM: Mapping[str, Level] = {
    **dict.fromkeys(("info", "notice"), "info"),
    "warn": "warn",
    **dict.fromkeys(("error", "err!"), "error"),
}
_NEST: Mapping[str, Level] = {**WORDS, "log": "info"}
_NEXT: Mapping[str, Level] = {
    **dict.fromkeys("✓○▲", "info"),
    "⚠": "warn",
    "⨯": "error",
}

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
    # 2026-11-25 04:02:44,290 INFO [main] x; [2026-11-25 04:02:44 +0000] [1] [INFO] x
    _with_level(
        digits + "[" + ascii_letters,
        rf"\[?{_TIME}[\]:|,]?\s{{0,8}}{_CONTEXT}{{0,3}}?[\[<(]?(?:\w{{1,20}}[:.])?\s?{_LEVEL}",
        WORDS,
    ),
    # [GIN] 2026/11/25 - 04:02:44 | 500 | 12.2s | 172.18.0.1 | POST "/v1/chat/completions"
    _all("info", "[", r"\[GIN\]\s\d{4}/"),
    # [GIN-debug] Listening and serving HTTP on :3000
    _all("debug", "[", r"\[GIN-debug\]\s(?!\[(?:WARNING|ERROR)\])"),
    # [Nest] 1  - 11/25/2026, 4:02:44 AM     LOG [NestFactory] Starting Nest application
    _with_level("[", rf"\[Nest\]\s\d+\s+-\s{_TIME}\s+(?P<level>(?i:{_one_of(_NEST)}))\s", _NEST),
    # [INFO] x; <info> x; [main] INFO x; [0.005s][info][gc] x
    _with_level(
        "[<",
        rf"(?:\[[^\]\[]{{1,40}}\]\s?){{0,2}}?(?:\[\s?|<(?=\w+>\s))?{_LEVEL}",
        WORDS,
    ),
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
        digits + ascii_letters + "/",
        rf"[\w./-]{{1,60}}:\s(?:\[|(?=(?i:{_WORD}):)){_LEVEL}",
        WORDS,
    ),
    # (node:7) [DEP0040] DeprecationWarning: x; /app/a.py:12: UserWarning: x
    _all("warn", "(/", r"\(node:\d+\)\s(?:\[\w+\]\s)?\w*Warning: | /\S{1,300}:\d+:\s\w*Warning:"),
    #  ✓ Ready in 312ms, of Next.js
    _with_level(" " + "".join(_NEXT), rf"\s?(?P<level>{_one_of(_NEXT)})\s", _NEXT),
)
"""In the order in which they are tried."""
