"""Scalars as Compose reads and prints them, which is as Go does.

Parsers raise ``ValueError(Text)`` with a text that completes the sentence "expected …".
"""

import math
import re
import struct
from decimal import Decimal

from aiserver_tray.base.i18n import Text

INT64_MAX = 2**63 - 1

_DURATION = re.compile(r"(?P<number>\d+\.?\d*|\.\d+)(?P<unit>ns|us|µs|μs|ms|s|m|h)")
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_SIZE = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?) ?(?P<unit>[kmgtp]?)i?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_SUSPENDED_BY = {"'": {'"', ")"}, '"': {"'", ")"}, "`": {"'", '"', ")"}, ")": {"'", '"', "`"}}
_UNCLOSED = Text("a command line whose quotes and brackets are closed")
FLAGS = {
    **dict.fromkeys(("true", "y", "yes", "on"), True),
    **dict.fromkeys(("false", "n", "no", "off"), False),
}
"""The words for booleans, as in YAML 1.1."""


def parse_duration(text: object) -> int:
    """Nanoseconds of a Go duration such as ``1h2m3.5s`` (pkg.go.dev/time#ParseDuration)."""
    expected = ValueError(Text("a duration such as 90s or 1m30s"))
    if not isinstance(text, str):
        raise expected
    sign = -1 if text.startswith("-") else 1
    rest = text.removeprefix("-") if sign < 0 else text.removeprefix("+")
    if rest == "0":
        return 0
    total, end = 0, 0
    for match in _DURATION.finditer(rest):
        if match.start() != end:
            raise expected
        end = match.end()
        whole, _, fraction = match["number"].partition(".")
        unit = _UNITS[match["unit"]]
        total += int(whole or 0) * unit
        total += int(fraction or 0) * unit // 10 ** len(fraction)
    if not rest or end != len(rest) or total > INT64_MAX:
        raise expected
    return sign * total


def format_duration(nanoseconds: int) -> str:
    """A duration in Go's format: ``1h0m5s``, ``1.5s``, ``100ms``
    (pkg.go.dev/time#Duration.String)."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for unit, size in (("ns", 1_000), ("µs", 1_000_000), ("ms", 1_000_000_000)):
        if rest < size:
            return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}"
    minutes, rest = divmod(rest, _UNITS["m"])
    hours, minutes_left = divmod(minutes, 60)
    seconds = f"{_decimal(rest, _UNITS['s'])}s"
    if hours:
        return f"{sign}{hours}h{minutes_left}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(amount: int, unit: int) -> str:
    whole, fraction = divmod(amount, unit)
    digits = str(fraction).zfill(len(str(unit)) - 1).rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)


def parse_size(value: object) -> int:
    """Bytes of a number or of a text such as ``512m`` or ``1.5 GiB``; units are powers of 1024.

    A number with a fraction counts as unset, as in Compose.
    """
    if isinstance(value, float):
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(Text("a size such as 512m or 2g"))
    size = float(match["number"]) * 1024 ** _POWERS[match["unit"].lower()]
    return _bounded(int(size) if math.isfinite(size) else INT64_MAX + 1)


def parse_whole_size(value: object) -> int:
    """Like :func:`parse_size`, for keys that need a whole number."""
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(Text("a size such as 512m or 2g"))
    return parse_size(value)


def parse_size_text(value: object) -> int:
    """Like :func:`parse_size`, for keys that accept no number."""
    if not isinstance(value, str):
        raise ValueError(Text("a size such as 512m or 2g, as text"))
    return parse_size(value)


def parse_flag(value: object) -> bool:
    """true or false, also as text in YAML 1.1's words."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in FLAGS:
        return FLAGS[value.lower()]
    raise ValueError(Text("true or false"))


def parse_integer(value: object) -> int:
    """A whole number, also as text."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return _bounded(int(value)) if len(value) < 25 else _bounded(INT64_MAX + 1)
    return whole_number(value)


def truncate(value: object) -> int:
    """A number, also as text; a fraction is cut off, as Compose does."""
    return parse_integer(value) if isinstance(value, str) else truncate_number(value)


def truncate_number(value: object) -> int:
    """A number that isn't text; a fraction is cut off, as Compose does."""
    if isinstance(value, float) and math.isfinite(value):
        return _bounded(int(value))
    return whole_number(value)


def whole_number(value: object) -> int:
    """A whole number that isn't text; YAML's ``2.0`` is one."""
    if isinstance(value, float) and value.is_integer():
        return _bounded(int(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value)
    raise ValueError(Text("a whole number"))


def not_negative(number: int) -> int:
    """*number*, which has to be 0 or more."""
    if number < 0:
        raise ValueError(Text("a whole number from 0"))
    return number


def _bounded(number: int) -> int:
    if abs(number) > INT64_MAX:
        raise ValueError(Text("a number that fits in 64 bits"))
    return number


def parse_float32(value: object) -> float:
    """A number, also as text, rounded to single precision as Compose stores it."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(Text("a number"))
    return _shortest_float32(float(value))


def _shortest_float32(number: float) -> float:
    """The shortest decimal that is *number* in single precision (0.1, not 0.10000000149)."""
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", number))
    except OverflowError:
        raise ValueError(Text("a number")) from None
    for digits in range(1, 10):
        short = float(f"{single:.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", single):
            return short
    return float(single)


def text_of(value: object) -> str:
    """A YAML scalar as Go's ``%v`` prints it: ``true``, ``1.5``, ``1e+10``; null is empty."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return _text_of_float(value)
        case int() | str():
            return str(value)
    raise ValueError(Text("text, a number, true, false or null"))


def _text_of_float(number: float) -> str:
    """Shortest digits; with an exponent below 1e-4 and from 1e6 on (strconv's rule for ``%g``)."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) - 1 + exponent
    if number and not -4 <= power < 6:
        first, rest = digits[0], "".join(map(str, digits[1:]))
        mantissa = f"{first}.{rest}" if rest else str(first)
        return f"{'-' * sign}{mantissa}e{power:+03d}"
    return format(Decimal(repr(number)).normalize(), "f")


def split_command(text: str) -> list[str]:
    """Words of a command line, as the shell words library of Compose splits it
    (github.com/mattn/go-shellwords).

    Quotes and backslashes as in a shell; ``$(…)`` and backquotes stay within one word; all from
    an unquoted ``; & | < >`` on is left out.
    """
    words: list[str] = []
    word: str | None = None  # None between words; "" is a word once it was quoted
    quotes: set[str] = set()
    characters = iter(text)
    for char in characters:
        if char == "\\" and "'" not in quotes:
            escaped = next(characters, "")
            quotes |= set() if escaped else {char}
            word = (word or "") + escaped
        elif not quotes and char in " \t\r\n":
            words += [] if word is None else [word]
            word = None
        elif not quotes and char in ";&|<>":
            if char == ">" and word and word[0] in "0123456789":
                word = None  # it was the number of the redirected stream
            break
        else:
            word = _extended(word, char, quotes)
    if quotes:
        raise ValueError(_UNCLOSED)
    return words + ([] if word is None else [word])


def _extended(word: str | None, char: str, quotes: set[str]) -> str | None:
    """*word* with *char*, which may also open or close one of *quotes*."""
    begun = word or ""
    if char == "(" and not quotes & {"'", '"', "`"}:
        if ")" in quotes or not begun.endswith("$"):
            raise ValueError(_UNCLOSED)
        quotes.add(")")
    elif char in _SUSPENDED_BY and not quotes & _SUSPENDED_BY[char]:
        quotes ^= {char}
        if char in "'\"":
            return word if char in quotes else begun
    return begun + char
