"""The meaning of an untyped YAML scalar, by the rules of go-yaml v3 (its ``resolve.go``)."""

import base64
import binascii
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from aiserver_tray.base.errors.base import WordedError
from aiserver_tray.base.i18n import Text

Plain = str | int | float | bool | None

_WORDS: dict[str, tuple[str, Plain]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), ("!!null", None)),
    **dict.fromkeys(("true", "True", "TRUE"), ("!!bool", True)),
    **dict.fromkeys(("false", "False", "FALSE"), ("!!bool", False)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ("!!float", math.nan)),
    **dict.fromkeys(
        (".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"),
        ("!!float", math.inf),
    ),
}
_MAY_BE_NUMBER = re.compile(r"[-+.0-9]")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)"
    r"(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?P<sep>[Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](?P<fraction>\d{1,9})\d*)?"
    r"(?P<zone>Z|[-+]\d\d:\d\d)?)?",
    re.ASCII,
)
_MAX_DIGITS = 400
_RESOLVED = ("", "!", "!!bool", "!!int", "!!float", "!!null", "!!timestamp")
"""Tags that a text has to fit; any other leaves it text."""


class ScalarError(WordedError):
    """The scalar does not match its tag; ``text`` names the expected type."""


def resolve_scalar(text: str, tag: str, timestamps: Literal["json", "text"]) -> Plain:
    """The value of *text* with the short tag *tag* (``""`` if the file has none).

    *timestamps*: as in JSON (``2001-12-14T00:00:00Z``) or as Go prints them (``2001-12-14 00:00:00
    +0000 UTC``); Docker Compose does the former in extensions and the latter elsewhere.

    Raises:
        ScalarError: *text* is no value of the type *tag*.
    """
    if tag == "!!binary":
        return _binary(text)
    if tag not in _RESOLVED:
        return text
    found, value = _resolve(text, tag, timestamps)
    if isinstance(value, float) and not math.isfinite(value):
        raise ScalarError(Text("expected a finite number, found {found}", found=text))
    if tag in ("", "!", found):
        return value
    if tag == "!!float" and found == "!!int" and isinstance(value, int):
        return float(value)
    why = Text("expected a value of the type {tag}, found {found!r}", tag=tag, found=text)
    raise ScalarError(why)


def _resolve(text: str, tag: str, timestamps: str) -> tuple[str, Plain]:
    if text in _WORDS:
        return _WORDS[text]
    if not _MAY_BE_NUMBER.match(text) or len(text) > _MAX_DIGITS:
        return "!!str", text
    if tag in ("", "!", "!!timestamp") and (moment := _timestamp(text, timestamps)):
        return "!!timestamp", moment
    digits = text if text.startswith(".") else text.replace("_", "")
    if (integer := _integer(digits)) is not None:
        return "!!int", integer
    if _FLOAT.fullmatch(digits) and math.isfinite(number := float(digits)):
        return "!!float", number
    return "!!str", text


def _integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits)
    if not match or not match.lastgroup:
        return None
    value = int(match[match.lastgroup], _BASES[match.lastgroup])
    if match["sign"]:
        value = -value if match["sign"] == "-" else value
        return value if -(2**63) <= value < 2**63 else None
    return value if value < 2**64 else None


def _timestamp(text: str, form: str) -> str | None:
    match = _TIMESTAMP.fullmatch(text)
    if not match or (match["zone"] and match["sep"] == " "):
        return None
    if match["sep"] in ("T", "t") and not match["zone"]:
        return None
    try:
        numbers = [int(part or 0) for part in match.group(1, 2, 3, 5, 6, 7)]
        year, month, day, hour, minute, second = numbers
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        zone = _zone(match["zone"])
    except ValueError:
        return None
    fraction = (match["fraction"] or "").rstrip("0")
    fraction = f".{fraction}" if fraction else ""
    if form == "json":
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{_offset(zone, ':') if zone else 'Z'}"
    name = _offset(zone, "") if zone else "UTC"
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {_offset(zone, '')} {name}"


def _zone(text: str | None) -> timedelta:
    if text in (None, "Z"):
        return timedelta()
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset).utcoffset(None)


def _offset(zone: timedelta, separator: str) -> str:
    minutes = round(zone.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{separator}{abs(minutes) % 60:02d}"


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ScalarError(Text("expected base64 of UTF-8 text after !!binary")) from None
