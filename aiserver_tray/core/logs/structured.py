"""Log lines of named fields: JSON and logfmt. Pure."""

import json
import re
from collections.abc import Mapping

from aiserver_tray.core.logs.entry import Entry
from aiserver_tray.core.logs.level import LETTERS, WORDS, Level, level_of_number

_LEVEL_KEYS = ("level", "log.level", "severity", "lvl", "levelname", "@level", "level_name")
_LEVEL_WORDS: Mapping[str, Level] = {**WORDS, "http": "debug", "silly": "debug", "log": "info"}
_MESSAGE_KEYS = ("message", "msg", "@message", "event")
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')


def read_json(line: str) -> Entry | None:
    """Read a line that is a JSON object."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _entry(line, fields)


def read_logfmt(line: str) -> Entry | None:
    """Read a line that begins with ``key=value`` and has several of them."""
    if not _PAIR.match(line):
        return None
    fields = {key: _unquoted(value) for key, value in _PAIR.findall(line)}
    return _entry(line, fields) if len(fields) > 1 else None


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value


def _entry(line: str, fields: Mapping[str, object]) -> Entry:
    return Entry(_level(fields), _message(fields) or line, fields)


def _level(fields: Mapping[str, object]) -> Level:
    for key in _LEVEL_KEYS:
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
        for key in _MESSAGE_KEYS:
            if isinstance(message := source.get(key), str):
                return message
    return ""
