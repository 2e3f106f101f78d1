"""The value types of the Compose models, and their base class.

The models contain a canonical tree. They reject unknown keys that don't begin with ``x-``, and
print themselves as ``docker compose config --format json`` does.
"""

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    model_serializer,
    model_validator,
)

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose import scalars

T = TypeVar("T")

_HOST = Text("a host and its addresses, such as name=10.0.0.1")


class Closed(BaseModel):
    """A mapping with known keys only.

    A field with the default None is printed if it is set. Other fields are printed unless they are
    empty, zero or false, except for those in ``always_printed``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    always_printed: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        printed: dict[str, Any] = handler(self)
        for name, field in type(self).model_fields.items():
            if name in self.always_printed:
                continue
            value = getattr(self, name)
            if value is None or (field.default is not None and not value):
                printed.pop(field.serialization_alias or name, None)
        return printed


class Extensible(Closed):
    """A mapping that may also have ``x-…`` keys, which are kept but not printed."""

    extensions: dict[str, Any] = Field(default_factory=dict, alias="#extensions", exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _gather_extensions(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        extensions = {key: value for key, value in data.items() if str(key).startswith("x-")}
        if not extensions:
            return data
        own = {key: value for key, value in data.items() if key not in extensions}
        return {**own, "#extensions": extensions}


def _given(value: T | None) -> T:
    if value is None:
        raise ValueError(Text("a value"))
    return value


def _unique(items: list[T]) -> list[T]:
    if len(set(map(repr, items))) != len(items):
        raise ValueError(Text("each item once"))
    return items


def _unique_if_list(value: object) -> object:
    """Before its items become text: ``1`` and ``"1"`` are two."""
    return _unique(value) if isinstance(value, list) else value


def _whole_as_text(value: object) -> object:
    return str(value) if type(value) is int else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _environment_value(value: object) -> str | None:
    return None if value is None else scalars.text_of(value)


def _option(value: object) -> str:
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(Text("text or a number"))
    return scalars.text_of(value)


def _logging_option(value: object) -> str:
    return "" if value is None else _option(value)


def _storage_option(value: object) -> object:
    return "" if value is None else _whole_as_text(value)


def _pairs(value: object) -> object:
    """A list of ``KEY=VALUE`` as a mapping; None for a key without a value."""
    if not isinstance(value, list):
        return value
    parts = (item.partition("=") for item in _ITEMS.validate_python(value))
    return {key: text if equals else None for key, equals, text in parts}


def _hosts(value: object) -> object:
    """A list of ``HOST=IP`` or ``HOST:IP`` as a mapping to addresses."""
    if not isinstance(value, list):
        return value
    hosts: dict[str, list[str]] = {}
    for item in _HOST_ITEMS.validate_python(value):
        host, _, addresses = item.partition("=" if "=" in item else ":")
        hosts.setdefault(host, []).extend(addresses.split(","))
    return hosts


def _host_item(item: str) -> str:
    if "=" not in item and ":" not in item:
        raise ValueError(_HOST)
    return item


def _host_name(host: str) -> str:
    if not host or ":" in host or "=" in host:
        raise ValueError(_HOST)
    return host


def _bare(address: str) -> str:
    bracketed = len(address) > 2 and address.startswith("[") and address.endswith("]")
    return address[1:-1] if bracketed else address


def _print_hosts(hosts: dict[str, list[str]]) -> list[str]:
    return sorted(f"{host}={address}" for host, addresses in hosts.items() for address in addresses)


def _command(value: object) -> object:
    return scalars.split_command(value) if isinstance(value, str) else value


def one_of(*words: str) -> AfterValidator:
    """One of a few words."""

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(Text("one of {words}", words=", ".join(words)))
        return value

    return AfterValidator(check)


def between(low: float, high: float) -> AfterValidator:
    """A number within bounds, both included."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(Text("a number from {low} to {high}", low=low, high=high))
        return value

    return AfterValidator(check)


def _print_number(number: float) -> float:
    return int(number) if number.is_integer() else number


Given = Annotated[T | None, BeforeValidator(_given)]
"""Can be omitted (None), but not null."""
Flag = Annotated[bool, BeforeValidator(scalars.parse_flag)]
Integer = Annotated[int, BeforeValidator(scalars.parse_integer)]
Truncated = Annotated[int, BeforeValidator(scalars.truncate)]
Whole = Annotated[int, BeforeValidator(scalars.whole_number)]
TruncatedNumber = Annotated[int, BeforeValidator(scalars.truncate_number)]
Unsigned = Annotated[Whole, AfterValidator(scalars.not_negative)]
UnsignedTruncated = Annotated[TruncatedNumber, AfterValidator(scalars.not_negative)]
Number = Annotated[float, BeforeValidator(scalars.parse_float32), PlainSerializer(_print_number)]
Bytes = Annotated[int, BeforeValidator(scalars.parse_size), PlainSerializer(str)]
WholeBytes = Annotated[int, BeforeValidator(scalars.parse_whole_size), PlainSerializer(str)]
BytesText = Annotated[int, BeforeValidator(scalars.parse_size_text), PlainSerializer(str)]
Nanoseconds = Annotated[
    int, BeforeValidator(scalars.parse_duration), PlainSerializer(scalars.format_duration)
]
Command = Annotated[list[str] | None, BeforeValidator(_command)]
"""None is the image's own; an empty list clears it."""
Name = Annotated[str, Field(pattern="^[a-zA-Z0-9._-]+$")]
"""The name of a service or a resource in a file."""
Items = Annotated[list[str], AfterValidator(_unique)]
StringOrList = Annotated[Items, BeforeValidator(_listed)]
WholeOrText = Annotated[str, BeforeValidator(_whole_as_text)]
NumbersOrStrings = Annotated[list[WholeOrText], BeforeValidator(_unique_if_list)]
Options = dict[str, Annotated[str, BeforeValidator(_option)]]
LoggingOptions = dict[str, Annotated[str, BeforeValidator(_logging_option)]]
StorageOptions = dict[str, Annotated[str, BeforeValidator(_storage_option)]]
_AnyText = Annotated[str, BeforeValidator(scalars.text_of)]
Mapping = Annotated[dict[str, _AnyText], BeforeValidator(_pairs)]
"""Also a list of ``KEY=VALUE``; a key without a value has an empty one."""
Environment = Annotated[
    dict[str, Annotated[str | None, BeforeValidator(_environment_value)]], BeforeValidator(_pairs)
]
"""Also a list of ``KEY=VALUE``; a key without a value has None."""
_Addresses = Annotated[list[Annotated[str, AfterValidator(_bare)]], BeforeValidator(_listed)]
Hosts = Annotated[
    dict[Annotated[str, AfterValidator(_host_name)], _Addresses],
    BeforeValidator(_hosts),
    PlainSerializer(_print_hosts),
]

_ITEMS: TypeAdapter[list[str]] = TypeAdapter(Items, config=ConfigDict(strict=True))
_HOST_ITEMS: TypeAdapter[list[str]] = TypeAdapter(
    Annotated[list[Annotated[str, AfterValidator(_host_item)]], AfterValidator(_unique)],
    config=ConfigDict(strict=True),
)
