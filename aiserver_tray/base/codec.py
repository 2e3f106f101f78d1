"""Values to JSON and back, by the type hints of their classes. The only place that knows how values
look in JSON.

A dataclass becomes an object. Its fields keep their names, in camelCase and without a leading
``is_``. Texts become strings in the reader's language, times ISO 8601, tuples lists, and errors
what `AiServerError.as_json` makes. A field that differs says so in its metadata. A TypedDict keeps
the names of its keys, and its values are converted like those of fields.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType, UnionType
from typing import (
    Any,
    Final,
    NamedTuple,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from aiserver_tray.base.errors import AiServerError, CancelledError, JointError, RemoteError
from aiserver_tray.base.i18n import Language, LocalText, Text, in_language, rendered

_Value = TypeVar("_Value")
_Convert = Callable[[Any, Language], Any]


def compact_json(value: object) -> bytes:
    """*value*, which is JSON, in one line and without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


NEVER_SENT: Final = MappingProxyType({"is_sent": False})
"""Metadata of a field that is not in JSON."""

SPREAD: Final = MappingProxyType({"is_spread": True})
"""Metadata of a mapping of JSON whose entries are further fields of the object it is in. They are
not read back."""


def sent_as(encode: _Convert) -> dict[str, object]:
    """Metadata of a field whose JSON is what *encode* makes of the whole dataclass."""
    return {"encode": encode}


def sent_fields(kind: Any) -> "dict[str, Field[Any]]":  # noqa: ANN401 - a dataclass
    """The fields of *kind* that are sent, by their names in JSON."""
    return {_json_name(one.name): one for one in fields(kind) if one.metadata.get("is_sent", True)}


def _json_name(name: str) -> str:
    first, *rest = name.removeprefix("is_").split("_")
    return first + "".join(map(str.capitalize, rest))


def to_json(value: object, language: Language, kind: Any = None) -> Any:  # noqa: ANN401 - JSON
    """*value* with texts in *language*, as a value of *kind*; without that, of its own class."""
    hint: Any = kind or type(value)
    there = _ways(hint).there
    return there(value, language) if there else value


def from_json(kind: type[_Value], value: object, language: Language = "en") -> _Value:
    """The *kind* of value that `to_json` made *value* of. Its texts are in *language* only. Fields
    that are missing have their defaults."""
    hint: Any = kind
    back = _ways(hint).back
    found: Any = back(value, language) if back else value
    return found  # type: ignore[no-any-return]


def view_of(kind: type[_Value], source: object, /, **others: Any) -> _Value:  # noqa: ANN401 - values
    """A *kind*, a dataclass, with the values of *others*, and else those that *source* has under
    the same names."""
    names = [one.name for one in fields(kind) if one.name not in others]  # type: ignore[arg-type]
    return kind(**{name: getattr(source, name) for name in names}, **others)


class _Ways(NamedTuple):
    """How values of a type become JSON, and back. None: they are JSON."""

    there: _Convert | None = None
    back: _Convert | None = None


_SCALARS: Mapping[Any, _Ways] = {
    Text: _Ways(
        lambda text, language: text.render(language),
        lambda text, _: Text("{message}", message=text),
    ),
    LocalText: _Ways(in_language, lambda text, language: {language: text}),
    datetime: _Ways(lambda time, _: time.isoformat(), lambda text, _: datetime.fromisoformat(text)),
    AiServerError: _Ways(lambda error, language: error.as_json(language), lambda e, _: _error(e)),
    Mapping[str, Any]: _Ways(rendered),
}


@cache
def _ways(hint: Any, within: frozenset[Any] = frozenset()) -> _Ways:  # noqa: ANN401 - a type
    """*within*: the TypedDicts that *hint* is in, which may contain themselves."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional([way for arg in args if any(way := _ways(arg, within))])
    if origin in (tuple, list):
        return _items(origin, _ways(args[0], within))
    if origin is NotRequired:
        return _ways(args[0], within)
    if is_typeddict(hint) and hint not in within:
        return _keys(hint, within | {hint})
    return _fields(hint) if is_dataclass(hint) else _Ways()


def _fields(kind: Any) -> _Ways:  # noqa: ANN401 - a dataclass
    """Its fields are looked at when there is a value: it may contain itself."""

    def there(value: object, language: Language) -> Any:  # noqa: ANN401 - JSON
        return _writer(kind)(value, language)

    def back(value: object, language: Language) -> Any:  # noqa: ANN401 - *kind*
        return _reader(kind)(value, language)

    return _Ways(there, back)


def _optional(ways: list[_Ways]) -> _Ways:
    ((there, back),) = ways or [_Ways()]
    return _Ways(
        there and (lambda value, language: None if value is None else there(value, language)),
        back and (lambda value, language: None if value is None else back(value, language)),
    )


def _items(kind: type, way: _Ways) -> _Ways:
    there, back = way
    return _Ways(
        (lambda items, language: [there(item, language) for item in items])
        if there
        else (None if kind is list else lambda items, _: list(items)),
        (lambda items, language: kind([back(item, language) for item in items]))
        if back
        else (None if kind is list else lambda items, _: kind(items)),
    )


def _keys(kind: Any, within: frozenset[Any]) -> _Ways:  # noqa: ANN401 - a TypedDict
    ways = {name: _ways(hint, within) for name, hint in get_type_hints(kind).items()}
    there = {name: way.there for name, way in ways.items() if way.there}
    back = {name: way.back for name, way in ways.items() if way.back}

    def converted(plan: Mapping[str, _Convert]) -> _Convert | None:
        if not plan:
            return None
        return lambda value, language: {
            **value,
            **{name: make(value[name], language) for name, make in plan.items() if name in value},
        }

    return _Ways(converted(there), converted(back))


@cache
def _writer(kind: Any) -> _Convert:  # noqa: ANN401 - a dataclass
    hints, own = get_type_hints(kind), sent_fields(kind)
    ways = {name: _ways(hints[one.name]).there for name, one in own.items()}
    whole = {name: one.metadata["encode"] for name, one in own.items() if "encode" in one.metadata}
    spread = [name for name, one in own.items() if "is_spread" in one.metadata]
    parts = [(name, there) for name, there in ways.items() if there and name not in whole]

    def write(value: object, language: Language) -> dict[str, Any]:
        found = {name: getattr(value, one.name) for name, one in own.items()}
        for name, there in parts:
            found[name] = there(found[name], language)
        for name, encode in whole.items():
            found[name] = encode(value, language)
        for name in spread:
            found |= found.pop(name)
        return found

    return write


@cache
def _reader(kind: Any) -> _Convert:  # noqa: ANN401 - a dataclass
    hints = get_type_hints(kind)
    plan = [
        (name, one.name, _ways(hints[one.name]).back, _has_default(one))
        for name, one in sent_fields(kind).items()
    ]

    def read(value: Mapping[str, Any], language: Language) -> object:
        return kind(
            **{
                field_name: back(value[name], language) if back else value[name]
                for name, field_name, back, is_optional in plan
                if name in value or not is_optional
            }
        )

    return read


def _has_default(one: "Field[Any]") -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _error(value: Mapping[str, Any]) -> AiServerError:
    """The error, or all that were joined in it."""
    data = value["data"]
    if value["code"] == CancelledError.code:
        return CancelledError(data.get("kind"), data.get("modules", ()))
    if joined := data.get("errors"):
        return JointError([_error(one) for one in joined])
    return RemoteError(value["code"], value["message"], data)
