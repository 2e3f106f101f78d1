"""Kept log lines and cursors in JSON."""

import math
from collections.abc import Mapping
from typing import Any

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.moments import rfc3339
from aiserver_tray.core.logs.forms import LogGapJson, LogLineJson
from aiserver_tray.core.logs.store.line import Cursor, Gap, Kept

_NANOSECONDS = 10**9
_MAX_DEPTH = 20
"""Of lists and objects in the field of a line. Deeper values are shown as text."""


def line_json(kept: Kept) -> LogLineJson:
    """A line."""
    cursor, line = kept
    return {
        "cursor": cursor_text(cursor),
        "time": seconds(line.time),
        "timestamp": rfc3339(line.time),
        "module": line.module,
        "service": line.service,
        "stream": line.stream,
        "level": line.level,
        "continues": line.continues,
        "text": line.text,
    }


def gap_json(gap: Gap) -> LogGapJson:
    """A gap."""
    return {
        "module": gap.module,
        "service": gap.service,
        "begin": seconds(gap.begin),
        "end": seconds(gap.end),
    }


def seconds(time: int) -> float:
    """*time* (nanoseconds since 1970) in seconds."""
    return time / _NANOSECONDS


def nanoseconds(time: float) -> int:
    """*time* (seconds since 1970) in nanoseconds."""
    return round(time * _NANOSECONDS)


def cursor_text(cursor: Cursor) -> str:
    """*cursor* as clients get it."""
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
