"""From a channel to what it does."""

import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import (
    CHANNELS,
    Caller,
    Envelope,
    Json,
    OperationStart,
    Payload,
    answer,
)

Handler = Callable[[Any, Caller], Json]
"""Takes the channel's `Payload` and who asks; returns the answer's data.

Raises:
    AiServerError: the answer is no.
"""
Handlers = Mapping[str, Handler]

_logger = logging.getLogger(__name__)


def dispatch(handlers: Handlers, channel: str, payload: object, caller: Caller) -> Envelope:
    """The answer of *channel*'s handler, or why there is none."""
    try:
        request = read(channel, payload)
        return answer(**handlers[channel](request, caller))
    except AiServerError as error:
        return refusal(error, caller)
    except Exception as bug:  # noqa: BLE001 - the client gets an answer, whatever it is
        log_bug(_logger, f"{channel} failed", bug)
        return refusal(bug_error(bug), caller)


def refusal(error: AiServerError, caller: Caller) -> Envelope:
    """The envelope of what failed."""
    return {"success": False, **error.as_json(caller.language)}


def read(channel: str, payload: object) -> Payload | OperationStart:
    """The checked *payload* of *channel*; none at all is an empty one.

    Raises:
        RequestError: there is no such channel, or it takes something else.
    """
    takes = CHANNELS.get(channel)
    if takes is None:
        near = ", ".join(get_close_matches(channel, CHANNELS)) or ", ".join(CHANNELS)
        raise RequestError(
            Text("there is no channel {name!r}. Similar: {near}", name=channel, near=near)
        )
    try:
        return TypeAdapter(takes).validate_python({} if payload is None else payload)
    except ValidationError as error:
        wrong = {".".join(map(str, e["loc"])) or "payload": e["msg"] for e in error.errors()}
        told = "; ".join(f"{field}: {why}" for field, why in wrong.items())
        why = Text("{channel} does not accept this request ({wrong})", channel=channel, wrong=told)
        raise RequestError(why, wrong) from None
