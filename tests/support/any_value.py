"""Random values of our classes, by the type hints of their fields: none can be left out."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from hypothesis import strategies as some

from aiserver_tray.base.errors import AiServerError, BusyError, EngineDownError, JointError
from aiserver_tray.base.errors.remedies import logs, restart
from aiserver_tray.base.i18n import Language, LocalText, Text

Some = some.SearchStrategy[Any]

_WORDS = some.text("ab日{}%", max_size=4)
_TEXTS = _WORDS.map(lambda word: Text("{name}: {why}", name=word, why=Text("stopped")))
_ONE = EngineDownError("here", "refused")
_SEVERAL = JointError([BusyError("n8n", 5, "up"), BusyError("db", 6, "")])
_PLAIN: Mapping[Any, Some] = {
    str: _WORDS,
    bool: some.booleans(),
    int: some.integers(0, 10**10),
    float: some.floats(0, 1e9),
    NoneType: some.none(),
    Text: _TEXTS,
    LocalText: some.dictionaries(some.sampled_from(get_args(Language)), _WORDS),
    datetime: some.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=some.just(UTC)),
    AiServerError: some.sampled_from([_ONE, _SEVERAL]),
    Mapping[str, Any]: some.sampled_from([restart("n8n"), logs("n8n/web")]),
}
_KEYS = ("name", "id")
"""A list has no two values with the same."""


def one_of_each(choice: Any) -> Some:  # noqa: ANN401 - a Literal
    """The values of *choice*."""
    return some.sampled_from(get_args(choice))


@cache
def values(hint: Any) -> Some:  # noqa: ANN401 - a type
    """Values of the type *hint*, with a value in each field."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return one_of_each(hint)
    if origin in (Union, UnionType):
        return some.one_of(*map(values, args))
    if origin is tuple:
        return some.lists(values(args[0]), max_size=2, unique_by=_key(args[0])).map(tuple)
    hints = get_type_hints(hint)
    if is_typeddict(hint):
        return some.fixed_dictionaries({name: values(one) for name, one in hints.items()})
    return some.builds(hint, **{one.name: values(hints[one.name]) for one in fields(hint)})


def _key(hint: Any) -> Any:  # noqa: ANN401
    """What is unique in a list of *hint*."""
    names = [one.name for one in fields(hint) if one.name in _KEYS] if is_dataclass(hint) else []
    return (lambda value: getattr(value, names[0])) if names else None
