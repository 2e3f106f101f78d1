"""The servers that the stack uses, as they are stored, and their secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.models.relay import HOST
from aiserver_tray.features.models.servers import KNOWN, OWN, Server
from aiserver_tray.features.stack.channels import module_of
from aiserver_tray.features.wiring.wiring import published
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.secrets import Secrets

if TYPE_CHECKING:
    from aiserver_tray.state.views import Snapshot

FILE: Final = "models.json"
OWN_KEY: Final = f"{OWN}.LOCAL_MODELS_KEY"
_OWN_PORT: Final = 8080
"""In its container."""
_ANY_KEY: Final = "none"
"""For a server without a key: OneAPI wants one."""


class UsedServer(BaseModel):
    """A server that the stack uses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    address: str
    """For programs of this computer."""
    models: list[str]
    """Those that OneAPI has in its channel."""
    gateway: str | None = None
    """The address of this computer that its relay listens on. None: it has no relay."""
    port: int | None = None
    """The relay's."""

    @property
    def server(self) -> Server:
        """Where it is."""
        known = next((one for one in KNOWN if one.name == self.name), None)
        return known or Server(self.name, self.title, self.address)

    @property
    def channel(self) -> str:
        """The name of its channel in OneAPI."""
        return f"aiserver-{self.name}"

    @property
    def inside(self) -> str:
        """Its address for containers, without ``/v1``."""
        return inside(self.server, self.port)


def inside(server: Server, port: int | None = None) -> str:
    """The address of *server* for containers, without ``/v1``; *port*: of its relay."""
    if server.name == OWN:
        return f"http://{OWN}:{_OWN_PORT}"
    if not server.is_here:
        return server.base
    scheme, _, rest = server.base.partition("://")
    path = "".join(rest.partition("/")[1:])
    return f"{scheme}://{HOST}:{port or server.port}{path}"


def container_of(snapshot: "Snapshot", name: str) -> str:
    """A container of the module *name* that runs.

    Raises:
        RefusedError: it does not run.
    """
    for service in module_of(snapshot, name).services:
        if service.state == "running" and not service.is_job:
            return service.container
    text = Text("The module {name} does not run. Start it: aiserver-tray up {name}", name=name)
    raise RefusedError(text, module=name)


def own_server(snapshot: "Snapshot") -> Server:
    """The module with models of our own, as a server of this computer.

    Raises:
        OneApiError: it publishes no port.
    """
    host, port = published(OWN, snapshot, _OWN_PORT)
    hint = Text("Run: aiserver-tray up local-models")
    return Server(OWN, "Local models", f"http://{host}:{port}/v1", hint)


class UsedData(SealedModel):
    """models.json"""

    version: Literal[1] = 1
    servers: list[UsedServer] = Field(default_factory=list)
    rates: dict[str, float] = Field(default_factory=dict)
    """Tokens each second of our own models, as they were last measured."""


class UsedServers:
    """The servers that the stack uses, in the folder *kept* for the engine; *secrets* has their
    API keys and the tokens of their relays.

    Raises:
        SettingError: from every method: a file can't be read or written.
    """

    def __init__(self, kept: Path, secrets: Secrets, notices: list[Text]) -> None:
        self._file = VersionedFile(kept / FILE, UsedData, notices)
        self._secrets = secrets

    def all(self) -> list[UsedServer]:
        return self._file.read().servers

    def find(self, name: str) -> UsedServer | None:
        return next((one for one in self.all() if one.name == name), None)

    def put(self, server: UsedServer) -> None:
        """Store *server* in place of the one with its name."""
        with self._changed() as servers:
            servers[server.name] = server

    def drop(self, name: str) -> None:
        """Remove the server *name* with its secrets."""
        with self._changed() as servers:
            servers.pop(name, None)
        self._secrets.change({_key(name): None, _token(name): None}, ())

    @contextmanager
    def _changed(self) -> Iterator[dict[str, UsedServer]]:
        with self._file.update() as data:
            servers = {one.name: one for one in data.servers}
            yield servers
            data.servers = list(servers.values())

    def rate(self, model: str) -> float | None:
        """Tokens each second of a model of our own, as it was last measured."""
        return self._file.read().rates.get(model)

    def measured(self, model: str, rate: float) -> None:
        """Store the *rate* of a model of our own."""
        with self._file.update() as data:
            data.rates[model] = round(rate, 1)

    # -- secrets --------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        """The API key that the server *name* wants; empty: none."""
        if name == OWN:
            return self._secrets.values([OWN_KEY]).get(OWN_KEY, "")
        return self._secrets.values([_key(name)]).get(_key(name), "")

    def set_key(self, name: str, key: str) -> None:
        self._secrets.change({_key(name): key}, ())

    def token(self, name: str) -> str:
        """The token of the relay to the server *name*, which is generated once."""
        self._secrets.ensure({_token(name): "alnum32"})
        return self._secrets.values([_token(name)])[_token(name)]

    def channel_key(self, server: UsedServer) -> str:
        """The key with which OneAPI asks *server*."""
        return self.token(server.name) if server.port else self.key(server.name) or _ANY_KEY


def _key(name: str) -> str:
    return f"app.model_key.{name}"


def _token(name: str) -> str:
    return f"app.model_token.{name}"
