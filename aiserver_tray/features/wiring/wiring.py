"""Connecting a module to the provider that it uses, and undoing that."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
    """A module that can use *provider*. ``token`` and ``choice`` are the addresses of its settings;
    ``answer`` is the option of the choice."""

    module: str
    provider: str
    token: str
    choice: str
    answer: str

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


def log_in(here: "App", consumer: Consumer, snapshot: "Snapshot") -> OneApi:
    """The provider that *consumer* uses, at the port in *snapshot*.

    Raises:
        OneApiError: it does not let us in.
    """
    if not here.engine().address.is_local:
        # On this machine's loopback, another program may listen, and would receive the password.
        raise OneApiError(ELSEWHERE)
    modules = (m for m in snapshot.modules if m.name == consumer.provider)
    if not (ports := [port for m in modules for port in m.ports if port.container == PORT]):
        raise OneApiError(Text("it publishes no port"))
    port = ports[0]
    password = here.settings.reveal(here.declared, PASSWORD)
    return OneApi(_LOOPBACK.get(port.address, port.address), port.host, password)


def working_token(here: "App", consumer: Consumer, snapshot: "Snapshot") -> str:
    """The stored token of *consumer*, if it works. Otherwise the token of that name, or a new one.

    Raises:
        OneApiError: there is none to be had.
    """
    provider = log_in(here, consumer, snapshot)
    stored = here.settings.secrets.values([consumer.token]).get(consumer.token)
    for key in (stored, provider.key(consumer.token_name)):
        if key and provider.takes(key):
            return key
    return provider.make(consumer.token_name)


class Commands(Protocol):
    """The commands that disconnecting needs, and the output of the caller."""

    def snapshot(self) -> "Snapshot":
        """The current snapshot.

        Raises:
            EngineDownError, EngineNotInstalledError: the engine does not answer.
        """

    def up(self, modules: Sequence[str]) -> "Snapshot":
        """The snapshot once *modules* are running."""

    def unset(self, address: str) -> None:
        """Take back the value of a setting."""

    def report(self, text: Text) -> None:
        """Show a message to the user."""


def disconnect(here: "App", consumers: Sequence[Consumer], commands: Commands) -> list[Consumer]:
    """Disconnect *consumers* from their providers, delete their tokens, and recreate those that
    run. Returns the consumers that were connected. Starts a provider if a token has to be deleted
    there."""
    if not (connected := [consumer for consumer in consumers if _is_connected(here, consumer)]):
        return []
    snapshot = commands.snapshot()
    states = {module.name: module.state for module in snapshot.modules}
    known = here.settings.known({c.token: here.declared[c.token] for c in connected})
    with_token = [c for c in connected if c.token in known or states[c.provider] == "running"]
    if here.engine().address.is_local:
        snapshot = _started(with_token, snapshot, commands)
    for consumer in connected:
        if consumer in with_token:
            _delete_token(here, consumer, snapshot, commands)
        commands.unset(consumer.choice)
        commands.unset(consumer.token)
    if again := [c.module for c in connected if states[c.module] != "stopped"]:
        commands.up(again)
    return connected


def _is_connected(here: "App", consumer: Consumer) -> bool:
    known = here.settings.known({a: here.declared[a] for a in (consumer.choice, consumer.token)})
    return consumer.token in known or known.get(consumer.choice) == consumer.answer


def _started(consumers: Sequence[Consumer], snapshot: "Snapshot", commands: Commands) -> "Snapshot":
    """The snapshot once the providers of *consumers* run. Running ones are not changed."""
    states = {module.name: module.state for module in snapshot.modules}
    down = sorted({c.provider for c in consumers if states[c.provider] != "running"})
    for name in down:
        commands.report(Text("Starting {name} to delete an access token there.", name=name))
    return commands.up(down) if down else snapshot


def _delete_token(
    here: "App", consumer: Consumer, snapshot: "Snapshot", commands: Commands
) -> None:
    """Delete the token, or report why that failed."""
    try:
        log_in(here, consumer, snapshot).remove(consumer.token_name)
    except OneApiError as error:
        text = Text(
            "Can't delete the access token {name} in {provider}: {why}. Delete it there yourself.",
            name=consumer.token_name,
            provider=consumer.provider,
            why=error.why,
        )
        commands.report(text)
