"""Disconnecting modules: delete the access token, and reset the settings that use it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.wiring.consumer import Consumer
from aiserver_tray.core.wiring.oneapi import OneApiError
from aiserver_tray.core.wiring.provider import Installation, log_in

if TYPE_CHECKING:
    from aiserver_tray.state.views import Snapshot


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


def disconnect(
    here: Installation, consumers: Sequence[Consumer], commands: Commands
) -> list[Consumer]:
    """Disconnect *consumers* from their providers, delete their tokens, and recreate those that
    run. Returns the consumers that were connected. Starts a provider if a token has to be deleted
    there."""
    connected = [consumer for consumer in consumers if _is_connected(here, consumer)]
    if not connected:
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


def _is_connected(here: Installation, consumer: Consumer) -> bool:
    known = here.settings.known({a: here.declared[a] for a in (consumer.choice, consumer.token)})
    return consumer.token in known or known.get(consumer.choice) == consumer.answer


def _started(consumers: Sequence[Consumer], snapshot: "Snapshot", commands: Commands) -> "Snapshot":
    """The snapshot once the providers of *consumers* are running. Running providers are not
    changed."""
    states = {module.name: module.state for module in snapshot.modules}
    down = sorted({c.provider for c in consumers if states[c.provider] != "running"})
    for name in down:
        commands.report(Text("Starting {name} to delete an access token there.", name=name))
    return commands.up(down) if down else snapshot


def _delete_token(
    here: Installation, consumer: Consumer, snapshot: "Snapshot", commands: Commands
) -> None:
    """Delete the token, or report why that failed."""
    try:
        log_in(here, consumer, snapshot).remove(consumer.token_name)
    except OneApiError as error:
        commands.report(
            Text(
                "Can't delete the access token {name} in {provider}: {why}. Delete it there "
                "yourself.",
                name=consumer.token_name,
                provider=consumer.provider,
                why=error.why,
            )
        )
