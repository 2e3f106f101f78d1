"""How channels and events are declared: each once, beside the code that handles it.

A channel is a method that `channel` marks::

    @channel("ai/module/status")
    def _status(self, asked: ModuleName, caller: Caller) -> ModuleStatus:
        "The state of a module."

The annotation of ``asked`` is the request's model (none: the channel takes nothing), the return
type is the class of the answer's data (None: it has none), and the docstring is the summary. An
event is an `Event`. Documentation and the page's types are generated from these declarations.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from aiserver_tray.contract.message import CallerKind
from aiserver_tray.model import MAX_NAMES

EVERYONE: Final[frozenset[CallerKind]] = frozenset({"window", "browser", "command", "tray"})


CONFIG: Final = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid")
"""Configuration of every request: camelCase in JSON, and unknown fields are rejected."""


class Payload(BaseModel):
    """The input of a channel."""

    model_config = ConfigDict(**CONFIG, frozen=True)


class Nothing(Payload):
    """No field."""


Name = Field(min_length=1, max_length=200)
Names = Annotated[tuple[str, ...], Field(max_length=MAX_NAMES)]


class ModuleName(Payload):
    """A module."""

    name: str = Name


@dataclass(frozen=True)
class Channel:
    """A request that clients can make. ``method`` handles it; it is unbound, and takes ``asked``,
    ``caller``, both or neither."""

    name: str
    method: Callable[..., Any] = field(repr=False)
    callers: frozenset[CallerKind] = EVERYONE

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The parameters of the method: those of ``asked`` and ``caller`` that it has."""
        return frozenset(inspect.signature(self.method).parameters) & {"asked", "caller"}

    @cached_property
    def request(self) -> Any:  # noqa: ANN401 - a type
        """The model of the request: a `Payload`, or a dataclass with the same `CONFIG`."""
        return self._hints.get("asked", Nothing)

    @cached_property
    def reader(self) -> TypeAdapter[Any]:
        """Validates requests."""
        return TypeAdapter(self.request)

    @cached_property
    def answer(self) -> Any:  # noqa: ANN401 - a type
        """The class of the answer's data (`base.codec`); None: it has none."""
        form = self._hints["return"]
        return None if form is type(None) else form

    @property
    def summary(self) -> str:
        """One sentence for its users."""
        return (inspect.getdoc(self.method) or "").partition("\n\n")[0].replace("\n", " ")

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.method)


_Method = TypeVar("_Method", bound=Callable[..., Any])


def channel(name: str, *, callers: Iterable[CallerKind] = EVERYONE) -> Callable[[_Method], _Method]:
    """Mark a method as the handler of the channel *name*, which only *callers* may use."""

    def mark(method: _Method) -> _Method:
        method.__dict__.setdefault("channels", []).append(Channel(name, method, frozenset(callers)))
        return method

    return mark


def channels_of(part: type) -> Iterable[Channel]:
    """The channels that the methods of the class *part* handle."""
    for member in vars(part).values():
        yield from getattr(member, "channels", ())
