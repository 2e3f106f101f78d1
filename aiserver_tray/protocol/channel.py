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
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, Final, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.codec import to_json
from aiserver_tray.base.errors import AiServerError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import MAX_NAMES
from aiserver_tray.protocol.message import (
    Caller,
    CallerKind,
    Envelope,
    Json,
    Peer,
    answer,
    refusal,
)

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


class OfModule(Payload):
    """A module, for what concerns it."""

    module: str = Name


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

    @property
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


class Part:
    """Some channels of a feature, with what they share."""

    def forget(self, peer: Peer) -> None:
        """The client is gone: end what runs only for it."""

    def close(self) -> None:
        """End what runs in the background."""


class Feature(Part):
    """One thing that the product can do: its channels, with what they share. It is made with one
    argument, its place (`features.place.Place`), when it is first needed.

    ``parts``: further groups of its channels, in modules of their own. The annotation of a feature
    names their classes."""

    parts: tuple[Part, ...] = ()

    @classmethod
    def every_channel(cls) -> Iterator[Channel]:
        """The channels of the feature and of its parts."""
        for part in (cls, *get_args(inspect.get_annotations(cls).get("parts"))):
            yield from channels_of(part)

    def start(self) -> None:
        """Begin what goes on without a request."""

    def refresh(self) -> None:
        """Read again what may have changed outside of this process. Called before each request, and
        every few seconds."""

    def forget(self, peer: Peer) -> None:
        for part in self.parts:
            part.forget(peer)

    def close(self) -> None:
        for part in self.parts:
            part.close()


_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Handler:
    """A channel with the object that handles it."""

    channel: Channel
    part: object

    def answer(self, payload: object, caller: Caller) -> Json:
        """The data of the response.

        Raises:
            RequestError: the caller may not ask, or the payload is wrong.
            AiServerError: the request failed.
        """
        if caller.kind not in self.channel.callers:
            why = Text(
                "{channel} is not available to this kind of client", channel=self.channel.name
            )
            raise RequestError(why)
        available = {"asked": read(self.channel, payload), "caller": caller}
        given = {name: available[name] for name in self.channel.parameters}
        data = self.channel.method(self.part, **given)
        return to_json(data, caller.language, self.channel.answer) if data else {}


Handlers = Mapping[str, Handler]


def handlers_of(parts: Iterable[object]) -> Handlers:
    """The handlers of all channels that the classes of *parts* declare."""
    return {each.name: Handler(each, part) for part in parts for each in channels_of(type(part))}


def dispatch(handlers: Handlers, channel: str, payload: object, caller: Caller) -> Envelope:
    """The answer of *channel*'s handler, or why there is none."""
    try:
        return answer(handler_of(handlers, channel).answer(payload, caller))
    except AiServerError as error:
        return refusal(error, caller.language)
    except Exception as bug:  # noqa: BLE001 - the client gets an answer in any case
        log_bug(_logger, f"{channel} failed", bug)
        return refusal(bug_error(bug), caller.language)


def handler_of(handlers: Handlers, channel: str) -> Handler:
    """The handler of *channel*.

    Raises:
        RequestError: there is no such channel; near names.
    """
    if channel not in handlers:
        near = ", ".join(get_close_matches(channel, handlers)) or ", ".join(handlers)
        why = Text("there is no channel {name!r}. Similar: {near}", name=channel, near=near)
        raise RequestError(why)
    return handlers[channel]


def read(channel: Channel, payload: object) -> Any:  # noqa: ANN401 - the channel's request
    """The validated *payload* of *channel*; without one, an empty one.

    Raises:
        RequestError: the channel takes something else.
    """
    if wrong := _not_unicode(payload):
        raise _refused(channel.name, wrong)
    try:
        return channel.reader.validate_python({} if payload is None else payload)
    except ValidationError as error:
        raise wrong_request(channel.name, error) from None


def wrong_request(channel: str, error: ValidationError) -> RequestError:
    """The error of a client whose request *channel* does not accept."""
    return _refused(channel, {".".join(map(str, e["loc"])): e["msg"] for e in error.errors()})


def _refused(channel: str, wrong: Mapping[str, str]) -> RequestError:
    """*wrong*: field, or nothing for the whole -> what is wrong there."""
    wrong = {field or "payload": why for field, why in wrong.items()}
    reasons = "; ".join(f"{field}: {why}" for field, why in wrong.items())
    why = Text("{channel} does not accept this request ({wrong})", channel=channel, wrong=reasons)
    return RequestError(why, wrong)


def _not_unicode(payload: object) -> Mapping[str, str]:
    """The fields with half a character (a lone surrogate), which JSON can have. No file and no hash
    can, so each user of each text would have to expect it."""
    fields = payload if isinstance(payload, dict) else {"": payload}
    return {
        str(name).encode(errors="backslashreplace").decode(): "not valid Unicode"
        for name, value in fields.items()
        if not _is_unicode([name, value])
    }


def _is_unicode(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
