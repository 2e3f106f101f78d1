"""From a channel's name to its handler."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.codec import to_json
from aiserver_tray.base.errors import AiServerError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channel import Channel, channels_of
from aiserver_tray.contract.contract import Caller, Envelope, answer
from aiserver_tray.contract.message import Json

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
    return {
        channel.name: Handler(channel, part)
        for part in parts
        for channel in channels_of(type(part))
    }


def dispatch(handlers: Handlers, channel: str, payload: object, caller: Caller) -> Envelope:
    """The answer of *channel*'s handler, or why there is none."""
    try:
        return answer(handler_of(handlers, channel).answer(payload, caller))
    except AiServerError as error:
        return refusal(error, caller)
    except Exception as bug:  # noqa: BLE001 - the client gets an answer in any case
        log_bug(_logger, f"{channel} failed", bug)
        return refusal(bug_error(bug), caller)


def refusal(error: AiServerError, caller: Caller) -> Envelope:
    """The envelope of a failure."""
    return {"success": False, **error.as_json(caller.language)}


def handler_of(handlers: Handlers, channel: str) -> Handler:
    """The handler of *channel*.

    Raises:
        RequestError: there is no such channel; near names.
    """
    if channel not in handlers:
        near = ", ".join(get_close_matches(channel, handlers)) or ", ".join(handlers)
        raise RequestError(
            Text("there is no channel {name!r}. Similar: {near}", name=channel, near=near)
        )
    return handlers[channel]


def read(channel: Channel, payload: object) -> Any:  # noqa: ANN401 - the channel's request
    """The validated *payload* of *channel*; without one, an empty one.

    Raises:
        RequestError: the channel takes something else.
    """
    try:
        return channel.reader.validate_python({} if payload is None else payload)
    except ValidationError as error:
        wrong = {".".join(map(str, e["loc"])) or "payload": e["msg"] for e in error.errors()}
        reasons = "; ".join(f"{field}: {why}" for field, why in wrong.items())
        why = Text(
            "{channel} does not accept this request ({wrong})", channel=channel.name, wrong=reasons
        )
        raise RequestError(why, wrong) from None
