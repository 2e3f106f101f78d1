"""Connecting a module to the provider that it uses, and undoing that."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.modules import Module
from aiserver_tray.features.wiring.oneapi import PASSWORD, PORT, OneApi, OneApiError

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.state.views import Snapshot

_NAME_BYTES = 30
"""Bytes that one-api takes as a token's name (songquanpeng/one-api v0.6.10,
controller/token.go)."""


@dataclass(frozen=True)
class Consumer:
    """A module that can use another one."""

    module: str
    provider: str
    """the module that it can use"""
    token: str
    """address of the setting for its access token"""
    choice: str
    """address of the setting that makes it use the provider"""
    answer: str
    """the value of that setting which does so"""

    @property
    def token_name(self) -> str:
        """The name of its token at the provider. A long name is cut and gets a digest, so that
        similar names differ."""
        name = f"aiserver-{self.module}"
        if len(name) <= _NAME_BYTES:
            return name
        digest = hashlib.sha256(self.module.encode()).hexdigest()[:8]
        return f"{name[: _NAME_BYTES - len(digest) - 1]}-{digest}"


def consumer_of(module: Module) -> Consumer | None:
    """How *module* uses another module. None if no setting has ``token_of``.

    Raises:
        CatalogError: it has, but no choice that requires that module.
    """
    for name, provider in module.tokens.items():
        choice, answer = _choice(module, name, provider)
        address = f"{module.name}.{name}", f"{module.name}.{choice}"
        return Consumer(module.name, provider, *address, answer)
    return None


def _choice(module: Module, token: str, provider: str) -> tuple[str, str]:
    """The first choice, with its answer, that requires *provider*."""
    for name, setting in module.settings.items():
        for answer, choice in setting.choices.items():
            if provider in choice.requires:
                return name, answer
    place = module.place("x-aiserver", "settings", token, "token_of")
    raise CatalogError.at(place, Text("expected a choice that requires {name}", name=provider))


ELSEWHERE = Text("the engine is on another machine")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


def log_in(here: "App", provider: str, snapshot: "Snapshot") -> OneApi:
    """The module *provider*, which is OneAPI, at the port in *snapshot*.

    Raises:
        OneApiError: it does not let us in.
    """
    if not here.used_engine.address.reaches_ports:
        # On this machine's loopback, another program may listen, and would receive the password.
        raise OneApiError(ELSEWHERE)
    password = here.settings.reveal(here.declared, PASSWORD)
    return OneApi(*published(provider, snapshot), password)


def published(provider: str, snapshot: "Snapshot", inside: int = PORT) -> tuple[str, int]:
    """Address and port of this computer where the module *provider* answers, whose port *inside* of
    its container is OneAPI's if none is given.

    Raises:
        OneApiError: there is none.
    """
    modules = (m for m in snapshot.modules if m.name == provider)
    if not (ports := [port for m in modules for port in m.ports if port.container == inside]):
        raise OneApiError(Text("it publishes no port"))
    return at_home(ports[0].address), ports[0].host


def at_home(address: str) -> str:
    """Where this computer reaches a port that is published on *address*."""
    return _LOOPBACK.get(address, address)


def working_token(here: "App", consumer: Consumer, snapshot: "Snapshot") -> str:
    """The stored token of *consumer*, if it works. Otherwise the token of that name, or a new one.

    Raises:
        OneApiError: there is none to be had.
    """
    provider = log_in(here, consumer.provider, snapshot)
    stored = here.settings.secrets.values([consumer.token]).get(consumer.token)
    for key in (stored, provider.key(consumer.token_name)):
        if key and provider.takes(key):
            return key
    return provider.make(consumer.token_name)


# -- undoing a connection -------------------------------------------------------------------------


def has_token(here: "App", consumer: Consumer) -> bool:
    """Whether *consumer* has an access token."""
    return consumer.token in here.settings.known({consumer.token: here.declared[consumer.token]})


def is_connected(here: "App", consumer: Consumer) -> bool:
    """Whether *consumer* has an access token, or is set to use its provider."""
    known = here.settings.known({consumer.choice: here.declared[consumer.choice]})
    return known.get(consumer.choice) == consumer.answer or has_token(here, consumer)


def delete_token(here: "App", consumer: Consumer, snapshot: "Snapshot") -> Text | None:
    """Delete the token of *consumer* at its provider. Returns why that failed. Without a token, a
    provider that does not run is not asked."""
    states = {module.name: module.state for module in snapshot.modules}
    if not has_token(here, consumer) and states.get(consumer.provider) != "running":
        return None
    try:
        log_in(here, consumer.provider, snapshot).remove(consumer.token_name)
    except OneApiError as error:
        return Text(
            "Can't delete the access token {name} in {provider}: {why}. Delete it there yourself.",
            name=consumer.token_name,
            provider=consumer.provider,
            why=error.why,
        )
    return None
