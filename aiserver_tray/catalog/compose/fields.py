"""The kinds of values that the Compose models are made of, and the models' common base.

The models hold a canonical tree. They are closed (an unknown key that doesn't begin with ``x-``
is refused), and print themselves in the form of ``docker compose config --format json``.
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
    model_serializer,
    model_validator,
)

from aiserver_tray.catalog.compose import scalars
from aiserver_tray.i18n import Text

T = TypeVar("T")

_HOST = Text("a host and its addresses, such as name=10.0.0.1")


class Closed(BaseModel):
    """A mapping with known keys only.

    A field whose default is None prints whenever it is given; any other only where it is not
    empty, zero or false, save those in ``always_printed``.
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
    """A mapping that may also have ``x-…`` keys, which are kept and not printed."""

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


def _scalar_list(value: object) -> object:
    """Text and whole numbers, all as text."""
    if not isinstance(value, list):
        return value
    return [str(item) if type(item) is int else item for item in value]


def _expose(value: object) -> object:
    return [scalars.text_of(i) for i in value] if isinstance(value, list) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _options(value: object) -> object:
    """Scalars as text; null is empty."""
    if not isinstance(value, dict):
        return value
    return {key: scalars.text_of(item) for key, item in value.items()}


def _text_map(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {
        key: "" if item is None else str(item) if type(item) is int else item
        for key, item in value.items()
    }


def _mapping(value: object) -> object:
    """A mapping, or a list of ``KEY=VALUE``; without a value it is empty."""
    if isinstance(value, list):
        return dict(_pair(item, "") for item in _unique(value))
    return _options(value)


def _environment(value: object) -> object:
    """A mapping, or a list of ``KEY=VALUE``; without a value it is None."""
    if isinstance(value, list):
        return dict(_pair(item, None) for item in _unique(value))
    if not isinstance(value, dict):
        return value
    return {k: None if v is None else scalars.text_of(v) for k, v in value.items()}


def _pair(item: object, missing: str | None) -> tuple[str, str | None]:
    if not isinstance(item, str):
        raise ValueError(Text("text of the form KEY=VALUE"))
    key, equals, text = item.partition("=")
    return key, text if equals else missing


def _hosts(value: object) -> object:
    """Addresses by host, of a mapping or of a list of ``HOST=IP`` or ``HOST:IP``."""
    if isinstance(value, dict):
        return {_host_name(host): _addresses(_listed(given)) for host, given in value.items()}
    if not isinstance(value, list):
        return value
    hosts: dict[str, list[str]] = {}
    for host, addresses in map(_host, _unique(value)):
        hosts.setdefault(_host_name(host), []).extend(_addresses(addresses.split(",")))
    return hosts


def _host(item: object) -> tuple[str, str]:
    text = item if isinstance(item, str) else ""
    host, separator, addresses = text.partition("=" if "=" in text else ":")
    if not separator:
        raise ValueError(_HOST)
    return host, addresses


def _host_name(host: str) -> str:
    if not host or ":" in host or "=" in host:
        raise ValueError(_HOST)
    return host


def _addresses(addresses: object) -> list[str]:
    if not isinstance(addresses, list) or not all(isinstance(a, str) for a in addresses):
        raise ValueError(_HOST)
    return [_bare(address) for address in addresses]


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
"""May be left out, which is None, but not given as null."""

Flag = Annotated[bool, BeforeValidator(scalars.parse_flag)]
Integer = Annotated[int, BeforeValidator(scalars.parse_integer)]
Truncated = Annotated[int, BeforeValidator(scalars.truncate)]
Unsigned = Annotated[int, BeforeValidator(scalars.unsigned)]
Whole = Annotated[int, BeforeValidator(scalars.whole_number)]
Number = Annotated[float, BeforeValidator(scalars.parse_float32), PlainSerializer(_print_number)]
Bytes = Annotated[int, BeforeValidator(scalars.parse_size), PlainSerializer(str)]
Nanoseconds = Annotated[
    int, BeforeValidator(scalars.parse_duration), PlainSerializer(scalars.format_duration)
]
Command = Annotated[list[str] | None, BeforeValidator(_command)]
"""None is the image's own; an empty list clears it."""
Items = Annotated[list[str], AfterValidator(_unique)]
StringOrList = Annotated[list[str], BeforeValidator(_listed)]
NumbersOrStrings = Annotated[list[str], BeforeValidator(_scalar_list), AfterValidator(_unique)]
Expose = Annotated[list[str], BeforeValidator(_expose), AfterValidator(_unique)]
Options = Annotated[dict[str, str], BeforeValidator(_options)]
TextMap = Annotated[dict[str, str], BeforeValidator(_text_map)]
Mapping = Annotated[dict[str, str], BeforeValidator(_mapping)]
Environment = Annotated[dict[str, str | None], BeforeValidator(_environment)]
Hosts = Annotated[dict[str, list[str]], BeforeValidator(_hosts), PlainSerializer(_print_hosts)]
