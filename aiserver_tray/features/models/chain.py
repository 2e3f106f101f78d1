"""Whether models really answer: one small question through OneAPI, and which link broke."""

import json
import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, Literal

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.features.models.models import ONEAPI, Models, unreached
from aiserver_tray.features.models.servers import Server, fetch, kind_of
from aiserver_tray.features.wiring.oneapi import OneApiError, takes
from aiserver_tray.features.wiring.wiring import consumer_of, published

if TYPE_CHECKING:
    from aiserver_tray.features.models.used import UsedServer
    from aiserver_tray.features.place import Place

ChainLink = Literal["oneapi", "key", "channel", "way", "server", "model"]
"""oneapi: OneAPI itself; key: the access token of those that ask it; channel: its entry for the
server; way: from its container to this computer; server: the program with the model; model: the
model there."""

QUESTION: Final = "What is 2 + 2? Answer with one number."
_TOKENS: Final = 16
_SECONDS: Final = 120.0
"""A model that was not used for a while is loaded first."""
_OWN_TOKEN: Final = "aiserver-check"
_OWN_SECRET: Final = "app.model_check_token"
_TOLD: Final = 200


@dataclass(frozen=True)
class ChainResult:
    """How a question went through OneAPI to a model."""

    server: str
    """name of the server"""
    title: str
    model: str | None
    """the model that was asked; `null`: it did not come to that"""
    broken: ChainLink | None
    """the link that broke; `null`: all of them hold"""
    problem: Text | None
    """what broke and what to do, if one did"""
    answer: str | None
    """the beginning of the model's answer"""
    seconds: float | None
    """until the whole answer was there"""


class _BrokenError(ValueError):
    def __init__(self, link: ChainLink, problem: Text) -> None:
        super().__init__(link)
        self.link: ChainLink = link
        self.problem = problem


def check_chain(models: Models, place: "Place", used: "UsedServer") -> ChainResult:
    """Ask a model of *used* something through OneAPI, which may get a token for
    that. Changes nothing else."""
    result = ChainResult(used.name, used.title, None, None, None, None, None)
    try:
        return _asked(models, place, used, result)
    except _BrokenError as broken:
        return replace(result, broken=broken.link, problem=broken.problem)


@dataclass(frozen=True)
class Gateway:
    """OneAPI, as those that ask it do."""

    server: Server
    token: str = field(repr=False)

    @classmethod
    def of(cls, models: Models, place: "Place") -> "Gateway":
        """OneAPI of *place* with the token of a connected module.

        Raises:
            _BrokenError: OneAPI does not answer, or does not know a token.
        """
        try:
            address = published(ONEAPI, place.core.store.snapshot)
            token = _token(models, place, address)
        except OneApiError as error:
            text = Text("OneAPI can't be asked: {why}.", why=error.why)
            raise _BrokenError("oneapi", text) from None
        return cls(Server(ONEAPI, "OneAPI", f"http://{address[0]}:{address[1]}/v1"), token)


def _asked(models: Models, place: "Place", used: "UsedServer", result: ChainResult) -> ChainResult:
    gateway = Gateway.of(models, place)
    model = next((m for m in used.models if kind_of(m) == "chat"), used.models[0])
    begun = time.monotonic()
    status, told = _ask(gateway.server, model, gateway.token)
    seconds = time.monotonic() - begun
    if status != HTTPStatus.OK:
        broken = _broken_link(models, used, model)
        raise broken or _refused(used, model, status, told)
    return replace(result, model=model, answer=told, seconds=seconds)


def _token(models: Models, place: "Place", address: tuple[str, int]) -> str:
    """The access token of a module that is connected, each of which OneAPI must know; else one of
    our own, which is kept.

    Raises:
        OneApiError: OneAPI does not answer.
        _BrokenError: OneAPI no longer knows the token of a module.
    """
    secrets = place.app.settings.secrets
    consumers = filter(None, map(consumer_of, place.app.catalog.modules.values()))
    tokens = {c.module: c.token for c in consumers if c.provider == ONEAPI}
    stored = secrets.values([*tokens.values()])
    known = {module: stored[token] for module, token in tokens.items() if stored.get(token)}
    for module, token in known.items():
        if not takes(address, token):
            raise _BrokenError(
                "key",
                Text(
                    "OneAPI no longer knows the access token of {module}. Create a new one: "
                    "aiserver-tray connect {module}",
                    module=module,
                ),
            )
    if known:
        return next(iter(known.values()))
    own = secrets.values([_OWN_SECRET]).get(_OWN_SECRET)
    if not own or not takes(address, own):
        oneapi = models.one_api()
        own = oneapi.key(_OWN_TOKEN) or oneapi.make(_OWN_TOKEN)
        secrets.change({_OWN_SECRET: own}, ())
    return own


def _ask(gateway: Server, model: str, token: str) -> tuple[int, str]:
    """Status and text of the answer to `QUESTION`; status 0: there was none."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": _TOKENS,
        "temperature": 0,
    }
    try:
        status, content = fetch(gateway, "/chat/completions", token, body, _SECONDS)
    except (OSError, HTTPException, ValueError) as error:
        return 0, in_line(str(error))[:_TOLD]
    try:
        found = json.loads(content)
        if status == HTTPStatus.OK:
            return status, in_line(str(found["choices"][0]["message"]["content"]))[:_TOLD]
        return status, in_line(str(found["error"]["message"]))[:_TOLD]
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0, in_line(content[:_TOLD].decode(errors="replace"))


def _broken_link(models: Models, used: "UsedServer", model: str) -> _BrokenError | None:
    """The link that does not hold, from the server back to OneAPI."""
    names = {"name": used.title, "model": model, "server": used.name}
    found = models.ask(used.server)
    if found.state != "on":
        text = {
            "off": Text("{name} is off: nothing answers at {address}. Start it."),
            "key": Text("{name} wants another API key. Add it again with that key."),
        }.get(found.state, Text("{name} does not answer as a model server does."))
        return _BrokenError("server", text.with_values({**names, "address": used.address}))
    if model not in [one.name for one in found.models]:
        text = Text(
            "{name} no longer has the model {model}. Use the server again, so that OneAPI learns "
            "which models there are: aiserver-tray models use {server}"
        )
        return _BrokenError("model", text.with_values(names))
    if problem := _way_problem(models, used):
        return _BrokenError("way", problem)
    try:
        if models.one_api().has_channel(used.channel):
            return None
    except OneApiError as error:
        return _BrokenError("oneapi", Text("OneAPI can't be asked: {why}.", why=error.why))
    text = Text(
        "OneAPI has no channel {channel} that is turned on. Use the server again: "
        "aiserver-tray models use {server}"
    )
    return _BrokenError("channel", text.with_values({**names, "channel": used.channel}))


def _refused(used: "UsedServer", model: str, status: int, told: str) -> _BrokenError:
    """Why there is no answer although all links hold."""
    names = {"name": used.title, "model": model, "told": told}
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        text = Text("OneAPI refuses the question: {told}.").with_values(names)
        return _BrokenError("key", text)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        text = Text(
            "OneAPI does not offer {model} yet: {told}. It learns of a new channel within a "
            "minute. Check again then."
        )
        return _BrokenError("channel", text.with_values(names))
    text = Text("{model} of {name} gives no answer: {told}.")
    return _BrokenError("model", text.with_values(names))


def _way_problem(models: Models, used: "UsedServer") -> Text | None:
    if problem := models.relay_problem(used):
        return problem
    try:
        found = models.ask_container(used.inside)
    except AiServerError as error:
        return error.text
    return None if found.way == "open" else unreached(used.server, found)
