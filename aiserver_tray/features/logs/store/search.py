"""The search for text in blocks: the whole block first, since one search over 256 KiB is much
faster than a thousand over lines. Then the conditions on fields. Pure."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import SGR
from aiserver_tray.features.logs.parser import fields_of
from aiserver_tray.features.logs.query import FieldCondition, LogFilter, Operator
from aiserver_tray.features.logs.store.database import LogFilterError

Finder = Callable[[int], int]
"""From a position on: the next place, or -1."""
Find = Callable[[bytes], Finder]
"""Prepares a block."""

_PATTERN_MEMORY = 4 << 20
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Search:
    """What a filter says of the text of lines.

    Raises:
        LogFilterError: the pattern can't be compiled.
    """

    def __init__(self, wanted: LogFilter) -> None:
        self._conditions = wanted.fields
        numbers = [*filter(None, map(_number_condition, wanted.fields))]
        literals = {one for condition in wanted.fields for one in field_literals(condition)}
        # The longest literal leads, because it is the rarest.
        exact: list[Find] = [_exact(one) for one in sorted(literals, key=len, reverse=True)]
        self._finds = [*numbers, *exact]
        if wanted.text:
            self._finds.insert(0, _any_case(wanted.text))
        if wanted.pattern:
            self._finds.append(_pattern(wanted.pattern))

    def __bool__(self) -> bool:
        """Whether there is anything to search for."""
        return bool(self._finds or self._conditions)

    def lines(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        """The number and the text of each line that fulfils all, in a block's text."""
        finders = [find(body) for find in self._finds] or [lambda begin: begin]
        number = begin = 0
        while begin <= len(body):
            places = [finders[0](begin)]
            if places[0] >= 0:
                places += [finder(begin) for finder in finders[1:]]
            if min(places) < 0:
                return
            start = body.rfind(b"\n", begin, max(places)) + 1 or begin
            number += body.count(b"\n", begin, start)
            begin = start
            if min(places) >= start:  # all in one line
                end = body.find(b"\n", start)
                line = body[start:] if end < 0 else body[start:end]
                if self._fulfils_conditions(line):
                    yield number, line
                if end < 0:
                    return
                number += 1
                begin = end + 1

    def _fulfils_conditions(self, line: bytes) -> bool:
        if not self._conditions:
            return True
        text = str(line, "utf-8", "replace")
        return all(fulfils(text, condition) for condition in self._conditions)


def _exact(literal: bytes) -> Find:
    return lambda body: partial(body.find, literal)


_DIGITS = 15
"""A number of so many digits is exact as a float."""


def _number_condition(condition: FieldCondition) -> Find | None:
    """Finds places where a field may have a number for which *condition* is true, or a value that
    only the parser can read. None: that takes the parser anyway."""
    wanted, name = _number(condition.value), condition.name.rpartition(".")[2]
    if wanted is None or not name.isascii():
        return None
    number = rb'(?:"(-?\d{1,%d}(?:\.\d{1,%d})?)"|(-?\d{1,%d}(?:\.\d{1,%d})?))' % ((_DIGITS,) * 4)
    json, logfmt = rb'"\s*:\s*%s(?=[\s,}])' % number, rb"=%s(?=\s|\Z)" % number
    # Of another value, and of one behind a change of the colour, only the parser knows more.
    other = rb'(?="\s*:|=|\x1b)'
    place = rb"%s(?:%s|%s|%s)" % (re.escape(name.encode()), json, logfmt, other)
    search, compare = re.compile(place).finditer, _COMPARE[condition.operator]

    def prepare(body: bytes) -> Finder:
        def find(begin: int) -> int:
            for found in search(body, begin):
                if not found.lastindex or compare(float(found[found.lastindex]), wanted):
                    return found.start()
            return -1

        return find

    return prepare


def _any_case(text: str) -> Find:
    if not text.isascii():
        return _compiled(text, "text", literal=True, case_sensitive=False)
    folded = text.lower().encode()
    if text.lower() == text.upper():
        return _exact(folded)
    # Much faster than a pattern that ignores case.
    return lambda body: partial(body.lower().find, folded)


def _pattern(pattern: str) -> Find:
    for escape in _ESCAPE.finditer(pattern):
        if escape[1] in "Az":  # a line is not all that is searched
            why = Text("{escape} is not supported. Use ^ and $ instead", escape=escape[0])
            raise LogFilterError(why, "pattern", escape.start())
    _compiled(pattern, "pattern")  # so that an error has positions in what the user wrote
    return _compiled("(?m)" + pattern, "pattern")


@lru_cache(maxsize=16)
def _compiled(pattern: str, field: str, **settings: bool) -> Find:
    import re2  # noqa: PLC0415 - takes memory, and most searches need no pattern

    options = re2.Options()
    values = {"log_errors": False, "never_nl": True, "never_capture": True, **settings}
    for name, value in {**values, "max_mem": _PATTERN_MEMORY}.items():
        setattr(options, name, value)
    try:
        search = re2.compile(pattern.encode(), options).search
    except re2.error as error:
        raise _invalid(pattern, field, error.args[0].decode()) from error

    def prepare(body: bytes) -> Finder:
        def find(begin: int) -> int:
            found = search(body, begin)
            return found.start() if found else -1

        return find

    return prepare


def _invalid(pattern: str, field: str, reason: str) -> LogFilterError:
    what, _, part = reason.partition(": ")
    why = Text(
        "The pattern is not valid: {reason}. Patterns have the syntax of RE2, without look-around "
        "and back references.",
        reason=what if part == pattern else reason,
    )
    return LogFilterError(why, field, max(pattern.find(part), 0))


_COMPARE: Mapping[Operator, Callable[..., bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS: Mapping[object, str] = {True: "true", False: "false", None: "null"}
_AS_IT_IS = re.compile(r"[\w.:-]{3,}", re.ASCII)
"""Values that no format writes in another way, as it writes numbers and quotes."""


def field_literals(condition: FieldCondition) -> list[bytes]:
    """Bytes that each line has for which *condition* is true: they are looked for in whole blocks,
    before any line is parsed."""
    found = [condition.name.rpartition(".")[2]]
    value = condition.value
    if condition.operator == "=" and _AS_IT_IS.fullmatch(value) and _number(value) is None:
        found.append(value)
    return [literal.encode() for literal in found if literal.isascii()]


def fulfils(text: str, condition: FieldCondition) -> bool:
    """Whether a line has the field, and *condition* is true for it."""
    line = SGR.sub("", text) if "\x1b" in text else text
    fields = fields_of(line)
    value = _lookup(fields, condition.name) if fields else None
    return value is not None and _is_true(value, condition)


def _lookup(fields: Mapping[str, object], name: str) -> str | None:
    """The value of a field as text. Dots are part of a name, or lead into an object."""
    if name in fields:
        value = fields[name]
        if value is None or isinstance(value, bool):
            return _WORDS[value]
        return None if isinstance(value, dict | list) else str(value)
    for place, character in enumerate(name):
        inner = fields.get(name[:place]) if character == "." else None
        if isinstance(inner, dict) and (found := _lookup(inner, name[place + 1 :])) is not None:
            return found
    return None


def _is_true(value: str, condition: FieldCondition) -> bool:
    compare = _COMPARE[condition.operator]
    mine, wanted = _number(value), _number(condition.value)
    are_texts = mine is None or wanted is None
    return compare(value, condition.value) if are_texts else compare(mine, wanted)


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return None
