"""Guessing the level of a log line from its words. Pure."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from aiserver_tray.core.logs.colour import SGR

Level = Literal["debug", "info", "warn", "error"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the least to the most severe."""

_WORDS: Mapping[str, Level] = {
    **dict.fromkeys(("trace", "debug", "dbg", "verbose", "finest", "finer", "fine"), "debug"),
    **dict.fromkeys(("info", "information", "informational", "notice", "log", "inf"), "info"),
    **dict.fromkeys(("warn", "warning", "wrn"), "warn"),
    **dict.fromkeys(
        ("error", "err", "eror", "fatal", "crit", "critical", "severe", "panic", "alert", "emerg"),
        "error",
    ),
}

_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_FIELD = re.compile(
    rf"""(?:"(?:level|lvl|severity|log\.level)"\s*:\s*"|\b(?:level|lvl|severity)=["']?)({_WORD})\b""",
    re.IGNORECASE,
)
_NUMBER = re.compile(r'"level"\s*:\s*(\d{2})\b')
_MARKED = re.compile(rf"[\[(<|]\s*({_WORD})\s*[\])>|]|^\W*({_WORD})\s*[:|]", re.IGNORECASE)
_CAPITALS = re.compile(rf"\b({_WORD.upper()})\b")
_GLOG = re.compile(r"[IWEF]\d{4} \d\d:\d\d")
_REDIS = re.compile(r"\d+:[XCSM] \d\d \w{3} \d{4} \S+ ([.\-*#]) ")
_EXCEPTION = re.compile(
    r"Traceback \(most recent|(?:Uncaught |Exception in )|[\w.]*(?:Error|Exception)\b:"
)

_GLOG_LEVELS: Mapping[str, Level] = {"I": "info", "W": "warn", "E": "error", "F": "error"}
_REDIS_LEVELS: Mapping[str, Level] = {".": "debug", "-": "debug", "*": "info", "#": "warn"}
_HEAD_CHARACTERS = 160
"""Characters at a line's beginning in which a bare word counts as its level."""


def guess_level(line: str) -> Level | None:
    """The level that *line* states, in any usual form: fields of JSON or logfmt, ``[warn]``,
    ``ERROR``, the letters of glog and Redis, an exception. None if it states no level."""
    line = SGR.sub("", line)
    if found := _FIELD.search(line):
        return _WORDS[found[1].lower()]
    if found := _NUMBER.search(line):
        return _of_number(int(found[1]))
    if found := _GLOG.match(line):
        return _GLOG_LEVELS[line[0]]
    if found := _REDIS.match(line):
        return _REDIS_LEVELS[found[1]]
    head = line[:_HEAD_CHARACTERS]
    if found := _MARKED.search(head) or _CAPITALS.search(head):
        return _WORDS[next(filter(None, found.groups())).lower()]
    return "error" if _EXCEPTION.match(line) else None


def _of_number(number: int) -> Level:
    """A level of pino and bunyan (https://getpino.io/#/docs/api?id=level-string)."""
    return "debug" if number < 30 else "info" if number < 40 else "warn" if number < 50 else "error"


class LevelReader:
    """Levels of one service's lines, in order. An indented line without a level belongs to the line
    before it, as in a stack trace. Any other line without a level counts as information."""

    def __init__(self) -> None:
        self._last: Level = "info"

    def level(self, line: str) -> Level:
        """The level of the next line."""
        found = guess_level(line)
        if found is None and line[:1] in (" ", "\t"):
            return self._last
        self._last = found or "info"
        return self._last


def is_at_least(level: Level, wanted: Level) -> bool:
    """Whether *level* is as severe as *wanted* or more."""
    return LEVELS.index(level) >= LEVELS.index(wanted)
