"""Levels of log entries, and the words and numbers that loggers use for them. Pure."""

from collections.abc import Mapping
from typing import Literal, get_args

Level = Literal["debug", "info", "warn", "error", "unknown"]

LEVELS: tuple[Level, ...] = get_args(Level)[:-1]
"""From the least to the most severe, without `unknown`."""

_SEVERITY: Mapping[Level, int] = {"debug": 0, "info": 1, "unknown": 1, "warn": 2, "error": 3}

WORDS: Mapping[str, Level] = {
    **dict.fromkeys(("trace", "debug", "dbg", "verbose"), "debug"),
    **dict.fromkeys(("info", "information", "inf", "notice", "success"), "info"),
    **dict.fromkeys(("warn", "warning", "wrn"), "warn"),
    **dict.fromkeys(("error", "err", "eror", "fatal", "ftl", "dpanic", "panic"), "error"),
    **dict.fromkeys(("critical", "crit", "severe", "alert", "emerg", "emergency"), "error"),
}
"""Level words of most loggers, in lower case."""

LETTERS: Mapping[str, Level] = {
    "D": "debug", "V": "debug", "I": "info", "W": "warn", "E": "error", "F": "error"
}  # fmt: skip
"""Level letters of glog, klog and MongoDB."""


def level_of_number(number: float) -> Level:
    """The level of a number: syslog's are below 10, pino's and bunyan's from 10 to 60, Monolog's
    from 100 (https://getpino.io/#/docs/api?id=level-string)."""
    if number < 10:
        return (
            "error" if number < 4 else "warn" if number < 5 else "info" if number < 7 else "debug"
        )
    bounds = (30, 40, 50) if number < 100 else (200, 300, 400)
    return ("debug", "info", "warn", "error")[sum(number >= bound for bound in bounds)]


def is_at_least(level: Level, wanted: Level) -> bool:
    """Whether *level* is as severe as *wanted* or more. An unknown level counts as information."""
    return _SEVERITY[level] >= _SEVERITY[wanted]
