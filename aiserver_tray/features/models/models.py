"""Model servers and the stack: which there are, their way into OneAPI, and relays to them."""

import logging
from collections.abc import Collection
from contextlib import suppress
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AiServerError, RefusedError, UnknownNameError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.models.events import MODELS
from aiserver_tray.features.models.reach import Reach, reach
from aiserver_tray.features.models.relay import ModelRelay, RelayAccess
from aiserver_tray.features.models.servers import KNOWN, OWN, Answer, Server, ask_all, ask_models
from aiserver_tray.features.models.used import (
    UsedServer,
    UsedServers,
    container_of,
    inside,
    own_server,
)
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.features.wiring.oneapi import OneApi, OneApiError
from aiserver_tray.features.wiring.wiring import log_in
from aiserver_tray.protocol.message import Message, Peer

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place
    from aiserver_tray.state.store import Store
    from aiserver_tray.state.views import Snapshot

ONEAPI: Final = "oneapi"
_CLOSE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.5
"""Between two looks at a state that changes often."""

_logger = logging.getLogger(__name__)


class Models:
    """The model servers of the installation at *place*."""

    def __init__(self, place: "Place") -> None:
        self._place = place
        self.used = UsedServers(
            place.kept_folder, place.app.settings.secrets, place.app.settings.notices
        )
        self._relays: dict[str, ModelRelay] = {}
        self._states: dict[str, bool] = {}
        """Whether a server of the stack was there when it was last needed."""
        self._lock = RLock()
        self.broken: tuple[str, ...] = ()
        """Names of the servers from which the last check got no answer."""
        self.trouble: Text | None = None
        """What the last check found broken."""
        self._event = MODELS.message({"off": [], "relayed": [], "broken": []})
        place.hub.add_state(self._current)
        self.has_keeper = False
        """Whether this process keeps the relays open."""

    # -- asking ---------------------------------------------------------------------------------

    def ask_all(self) -> dict[str, tuple[Server, Answer]]:
        """The known servers and those that the stack uses, by name, each asked now."""
        used = [one.server for one in self.used.all()]
        own = filter(None, [self._own()])
        servers = {one.name: one for one in (*KNOWN, *used, *own)}
        asked = {name: (server, self.used.key(name)) for name, server in servers.items()}
        found = ask_all(asked)
        for server in used:
            self._note(server.name, is_there=found[server.name].state != "off")
        return {name: (server, found[name]) for name, server in servers.items()}

    def named(self, name: str) -> Server | None:
        """The server *name*: our own module while it runs, one that the stack uses, or a known one.

        Raises:
            RefusedError: our own module does not run.
        """
        if name == OWN:
            container_of(self._place.core.store.snapshot, OWN)
            return self._own()
        if found := self.used.find(name):
            return found.server
        return next((one for one in KNOWN if one.name == name), None)

    def _own(self) -> Server | None:
        """Our own module, where it is now, if it runs."""
        snapshot = self._place.core.store.snapshot
        with suppress(RefusedError, UnknownNameError, OneApiError):
            container_of(snapshot, OWN)
            return own_server(snapshot)
        return None

    def ask(self, server: Server, key: str | None = None) -> Answer:
        """*server*, asked now."""
        if server.name == OWN:  # its port may be another one by now
            server = self._own() or server
        found = ask_models(server, self.used.key(server.name) if key is None else key)
        if self.used.find(server.name):
            self._note(server.name, is_there=found.state != "off")
        return found

    def is_off(self, name: str) -> bool:
        """Whether the server *name* was off when it was last needed."""
        return self._states.get(name) is False

    def _note(self, name: str, *, is_there: bool) -> None:
        before = self._states.get(name)
        self._states[name] = is_there
        if before is not is_there:
            self.publish()

    def publish(self) -> None:
        """Tell clients that something has changed."""
        off = sorted(name for name, is_there in self._states.items() if not is_there)
        relayed = sorted(used.title for used in self.used.all() if used.name in self._relays)
        broken = sorted({*self.broken, *off})
        self._event = MODELS.message({"off": off, "relayed": relayed, "broken": broken})
        self._place.hub.update()

    def _current(self, _peer: Peer, events: Collection[str]) -> list[Message]:
        return [self._event] if MODELS.name in events else []

    # -- use ------------------------------------------------------------------------------------

    def use(self, server: Server, key: str | None) -> UsedServer:
        """Let the stack use *server*, whose API *key* is stored: through OneAPI, which must be
        running.

        Raises:
            RefusedError: that can't be; says why, and what to do.
        """
        self._check_place(server)
        models = self._models_of(server, key)
        with self._lock:
            before = self.used.find(server.name)
            used = UsedServer(
                name=server.name,
                title=server.title,
                address=server.address,
                models=models,
                gateway=before.gateway if before else None,
                port=before.port if before else None,
            )
            used = self._reached(used)
            if key is not None:
                self.used.set_key(server.name, key)
            try:
                self.one_api().add_channel(
                    used.channel, used.inside, self.used.channel_key(used), used.models
                )
            except OneApiError as error:
                if before is None:
                    self._close_relay(server.name)
                text = Text("Can't add {name} to OneAPI: {why}.", name=server.title, why=error.why)
                raise RefusedError(text) from None
            self.used.put(used)
        self._states[server.name] = True
        self.publish()
        return used

    def remove(self, used: UsedServer) -> Text | None:
        """Let the stack no longer use a server. Returns why its channel is still in OneAPI."""
        notice = None
        try:
            self.one_api().remove_channel(used.channel)
        except OneApiError as error:
            notice = Text(
                "Can't remove the channel {channel} from OneAPI: {why}. Delete it there yourself.",
                channel=used.channel,
                why=error.why,
            )
        with self._lock:
            self._close_relay(used.name)
            self.used.drop(used.name)
        self._states.pop(used.name, None)
        self.publish()
        return notice

    def one_api(self) -> OneApi:
        """OneAPI, logged in.

        Raises:
            OneApiError: it does not let us in.
        """
        self._place.feature(StackFeature).forward_ports()
        return log_in(self._place.app, ONEAPI, self._place.core.store.snapshot)

    def _check_place(self, server: Server) -> None:
        """Raises `RefusedError` where no container can reach *server*."""
        if server.name == OWN:  # in the engine's own network
            return
        address = self._place.core.engine.address
        if server.is_here and address.host.startswith("wsl:"):
            raise RefusedError(
                Text(
                    "{name} is on Windows, but the modules run in WSL, which can't reach its "
                    "address {address}. Let {name} listen on all addresses, allow its port in the "
                    "firewall, and add it by the address that this computer has in its network.",
                    name=server.title,
                    address=server.address,
                )
            )
        if server.is_here and not address.is_local:
            raise RefusedError(
                Text(
                    "{name} is on this computer, but the modules run on another one, which can't "
                    "reach it. Run a model server there, or choose the engine of this computer.",
                    name=server.title,
                )
            )
        ports = (port for m in self._place.core.store.snapshot.modules for port in m.ports)
        if server.is_here and (used := next((p for p in ports if p.host == server.port), None)):
            raise RefusedError(
                Text("Port {port} belongs to a module of the stack itself.", port=used.host)
            )

    def _models_of(self, server: Server, key: str | None) -> list[str]:
        found = self.ask(server, key)
        why = {
            "off": Text(
                "Nothing answers at {address}. Start {name} first.",
                address=server.address,
                name=server.title,
            ),
            "key": Text("{name} wants an API key, or another one.", name=server.title),
            "busy": Text("{name} does not answer in time. Try again later.", name=server.title),
            "other": Text("No model server answers at {address}.", address=server.address),
            "on": Text("{name} has no model yet. Download one there first.", name=server.title),
        }[found.state]
        if not found.models:
            raise RefusedError(why, state=found.state)
        return [model.name for model in found.models]

    # -- the way of containers ------------------------------------------------------------------

    def ask_container(self, address: str) -> Reach:
        """How OneAPI's container reaches *address*.

        Raises:
            RefusedError: OneAPI does not run.
            AiServerError: the engine is lost.
        """
        container = container_of(self._place.core.store.snapshot, ONEAPI)
        return reach(self._place.core.engine.containers, container, address)

    def _reached(self, used: UsedServer) -> UsedServer:
        """*used* with a relay, if containers don't reach it without one."""
        if used.name not in self._relays:
            direct = self.ask_container(inside(used.server))
            if direct.way == "open" or not used.server.is_here:
                if direct.way != "open":
                    raise RefusedError(unreached(used.server, direct))
                return used.model_copy(update={"gateway": None, "port": None})
            relay = self._open_relay(used, direct)
        else:
            relay = self._relays[used.name]
        used = used.model_copy(update={"gateway": relay.gateway, "port": relay.port})
        if (through := self.ask_container(used.inside)).way != "open":
            self._close_relay(used.name)
            raise RefusedError(unreached(used.server, through))
        return used

    def _open_relay(self, used: UsedServer, direct: Reach) -> ModelRelay:
        if direct.gateway is None:
            raise RefusedError(unreached(used.server, direct))
        try:
            return self._relay(used, direct.gateway, used.port or used.server.port)
        except OSError as error:
            raise RefusedError(
                Text(
                    "Containers have the address {address} for this computer, but no program can "
                    "listen there ({error}). Let {name} itself listen on all addresses, and add "
                    "it by the address that this computer has in its network.",
                    address=direct.gateway,
                    error=error.strerror or str(error),
                    name=used.title,
                )
            ) from None

    def _relay(self, used: UsedServer, gateway: str, port: int) -> ModelRelay:
        """A new relay to *used*. Raises OSError."""

        def keys() -> tuple[str, str]:
            return self.used.token(used.name), self.used.key(used.name)

        def reached(is_there: bool) -> None:  # noqa: FBT001 - the fact itself
            self._note(used.name, is_there=is_there)

        access = RelayAccess(keys, self._subnets, reached)
        relay = ModelRelay(gateway, port, used.server, access)
        self._relays[used.name] = relay
        return relay

    def _subnets(self) -> list[str]:
        with suppress(AiServerError):
            return [one for net in self._place.core.engine.networks.all() for one in net.subnets]
        return []

    def _close_relay(self, name: str) -> None:
        if relay := self._relays.pop(name, None):
            relay.close()

    def relay_problem(self, used: UsedServer) -> Text | None:
        """Why the relay of *used* does not run in this process."""
        if used.port is None or used.name in self._relays:
            return None
        if not self.has_keeper:
            return Text(
                "Containers reach {name} through AI-Server Tray, which does not run now. Start it: "
                "aiserver-tray",
                name=used.title,
            )
        return Text(
            "The relay to {name} does not run, because AI-Server Tray can't listen on {address}, "
            "port {port}.",
            name=used.title,
            address=used.gateway or "",
            port=used.port,
        )

    def look_at_own(self, snapshot: "Snapshot") -> None:
        """Note whether our own module runs, if OneAPI is there to ask it."""
        modules = {m.name: m.state for m in snapshot.modules}
        if not self.used.find(OWN):
            return
        if modules.get(ONEAPI) == "running":
            self._note(OWN, is_there=modules.get(OWN) in ("starting", "running", "degraded"))
        elif self._states.pop(OWN, None) is not None:
            self.publish()

    # -- relays of the owner --------------------------------------------------------------------

    def open_relays(self) -> None:
        """Open the relays that are not open yet. One that can't be opened is a problem that
        `relay_problem` tells."""
        with self._lock:
            for used in self.used.all():
                if used.port and used.gateway and used.name not in self._relays:
                    try:
                        relay = self._relay(used, used.gateway, used.port)
                    except OSError as error:
                        _logger.warning("no relay to %s: %s", used.name, error)
                        continue
                    if relay.port != used.port:  # OneAPI would ask at the former one
                        self._close_relay(used.name)
        self.publish()

    def close(self) -> None:
        """Close all relays."""
        with self._lock:
            for name in tuple(self._relays):
                self._close_relay(name)


def unreached(server: Server, found: Reach) -> Text:
    """Why containers can't reach *server*, and what to do."""
    if found.way == "silent":
        return Text(
            "Containers get no answer from {name}: a firewall of this computer drops what they "
            "send. Allow connections from Docker's networks to port {port}, then try again.",
            name=server.title,
            port=server.port,
        )
    if found.way == "unknown" or (server.is_here and found.gateway is None):
        return Text(
            "Containers do not know this computer by a name, so they can't reach {name}. Update "
            "the Docker engine to 20.10 or later.",
            name=server.title,
        )
    return Text(
        "Containers can't reach {name} at {address}.", name=server.title, address=server.base
    )


class RelayKeeper:
    """Opens the relays of *models* when the engine is there: before, containers have no address for
    this computer. Notes when our own module stops, or runs again. The states of *store* tell when.
    """

    def __init__(self, models: Models, store: "Store") -> None:
        self._models = models
        models.has_keeper = True
        self._store = store
        self._last: tuple[object, ...] = ()
        self._changed, self._closing = Event(), Event()
        self._thread = Thread(target=self._run, name="model-relays", daemon=True)
        self._thread.start()
        self._leave = store.observe(lambda _state: self._changed.set())

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.wait()
            self._changed.clear()
            try:
                self._look()
            except AiServerError as error:
                _logger.warning("the relays can't be opened: %s", error)
            self._closing.wait(_PAUSE_SECONDS)

    def _look(self) -> None:
        snapshot = self._store.snapshot
        states = [m.state for m in snapshot.modules if m.name in (ONEAPI, OWN)]
        before, self._last = self._last, (snapshot.engine.running, *states)
        if snapshot.engine.running and self._last != before and not self._closing.is_set():
            self._models.open_relays()
            self._models.look_at_own(snapshot)

    def close(self) -> None:
        """Stop to follow the engine, and close the relays."""
        self._leave()
        self._closing.set()
        self._changed.set()
        self._thread.join(_CLOSE_SECONDS)
        self._models.close()
