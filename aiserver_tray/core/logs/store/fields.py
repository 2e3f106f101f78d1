"""Conditions on the fields of JSON and logfmt lines. Pure."""

import operator
import re
from collections.abc import Callable, Mapping

from aiserver_tray.core.logs.colour import SGR
from aiserver_tray.core.logs.store.filter import FieldCondition, Operator
from aiserver_tray.core.logs.structured import read_json, read_logfmt

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


def literals(condition: FieldCondition) -> list[bytes]:
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
    entry = read_json(line) if line.startswith("{") else read_logfmt(line)
    value = _lookup(entry.fields, condition.name) if entry else None
    return value is not None and _is_true(value, condition)


def _lookup(fields: Mapping[str, object], name: str) -> str | None:
    """The value of a field as text. Dots are part of a name, or lead into an object."""
    if name in fields:
        value = fields[name]
        return None if isinstance(value, dict | list) else _text(value)
    for place, character in enumerate(name):
        inner = fields.get(name[:place]) if character == "." else None
        if isinstance(inner, dict) and (found := _lookup(inner, name[place + 1 :])) is not None:
            return found
    return None


def _text(value: object) -> str:
    return _WORDS[value] if value is None or isinstance(value, bool) else str(value)


def _is_true(value: str, condition: FieldCondition) -> bool:
    compare = _COMPARE[condition.operator]
    mine, wanted = _number(value), _number(condition.value)
    if mine is None or wanted is None:
        return compare(value, condition.value)
    return compare(mine, wanted)


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
