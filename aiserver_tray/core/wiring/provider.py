"""The way to the provider that a module uses."""

from typing import TYPE_CHECKING, Protocol

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.wiring.consumer import Consumer
from aiserver_tray.core.wiring.oneapi import PASSWORD, PORT, OneApi, OneApiError
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.store import Settings

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.state.views import Snapshot

ELSEWHERE = Text("the engine is on another machine")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


class Installation(Protocol):
    """The installation whose modules are connected."""

    @property
    def settings(self) -> Settings:
        """Its settings."""

    @property
    def declared(self) -> Declared:
        """Its settings."""

    def engine(self) -> "Engine":
        """Its engine, which was not contacted yet.

        Raises:
            SettingError: it is named by what is no address.
        """


def log_in(here: Installation, consumer: Consumer, snapshot: "Snapshot") -> OneApi:
    """The provider that *consumer* uses, at the port in *snapshot*.

    Raises:
        OneApiError: it does not let us in.
    """
    if not here.engine().address.is_local:
        # On this machine's loopback, another program may listen, and would receive the password.
        raise OneApiError(ELSEWHERE)
    modules = (m for m in snapshot.modules if m.name == consumer.provider)
    ports = [port for m in modules for port in m.ports if port.container == PORT]
    if not ports:
        raise OneApiError(Text("it publishes no port"))
    port = ports[0]
    password = here.settings.reveal(here.declared, PASSWORD)
    return OneApi(_LOOPBACK.get(port.address, port.address), port.host, password)


def working_token(here: Installation, consumer: Consumer, snapshot: "Snapshot") -> str:
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
