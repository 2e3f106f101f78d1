"""Where features work."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.model import OwnerKind
from aiserver_tray.protocol.channel import Feature
from aiserver_tray.protocol.hub import Hub
from aiserver_tray.protocol.message import Contract, Message, Peer

if TYPE_CHECKING:
    from aiserver_tray.operations.request import Request


class Process(Protocol):
    """What features ask of the process that they run in. Every method returns at once."""

    @property
    def kind(self) -> OwnerKind:
        """Which process it is."""

    def show_dashboard(self, page: str) -> None:
        """Open the dashboard on *page*, or raise it.

        Raises:
            AiServerError: there is no window here; says what to do instead.
        """

    def open_module(self, name: str, title: str, address: str) -> None:
        """Open the module's own page."""

    def refresh_autostart(self) -> None:
        """Whether the applet starts at login may have changed."""

    def quit(self) -> None:
        """Exit, once the answer is sent."""

    def restart_core(self) -> None:
        """Close the core, once the answer is sent, and open it again."""

    def give_up_core(self) -> None:
        """Stop owning the core, once the answer is sent, and go on as a client."""


_Feature = TypeVar("_Feature", bound=Feature)


@dataclass(eq=False, repr=False)
class Place:
    """The installation of features, with its core and their way to clients.

    ``open_core``: returns the core, which is first asked for when a feature needs it; ``contract``:
    keeps the contract with these features; ``refresh``: publishes changed settings and catalog to
    the state; ``claim``: within it, no other process owns the core; ``hub``: sends events to
    clients; ``before_operation``: raises an error if a feature refuses a request.
    """

    app: App
    open_core: Callable[[], Core]
    process: Process
    contract: Contract
    refresh: Callable[[], None]
    claim: Callable[[], AbstractContextManager[object]] = nullcontext
    hub: Hub = field(default_factory=Hub)
    before_operation: Callable[["Request"], None] = lambda _request: None
    _made: dict[Callable[["Place"], Any], Feature] = field(default_factory=dict, init=False)
    _lock: RLock = field(default_factory=RLock, init=False)

    @cached_property
    def core(self) -> Core:
        """Engine, state and operations."""
        return self.open_core()

    @property
    def engine_id(self) -> str | None:
        """The ID of the engine, as it was when it last answered. None: it never has."""
        return self.core.store.snapshot.engine.id or self.app.engine_id

    @property
    def engine_ids(self) -> Collection[str | None]:
        """What entries of the journal have that are about the engine: its ID; None also, if it has
        all that earlier versions stored."""
        own = [self.engine_id] if self.engine_id else []
        return own if self._folder else [*own, None]

    @property
    def kept_folder(self) -> Path:
        """The folder for what is kept about the engine."""
        return self.app.home.folder / self._folder

    @property
    def _folder(self) -> str:
        return self.app.settings.engines.folder(self.core.engine.host, self.engine_id)

    def publish(self, message: Message) -> None:
        """Send *message* to all clients that subscribed to its event."""
        self.hub.publish(message)

    def feature(self, kind: Callable[["Place"], _Feature]) -> _Feature:
        """The feature of the class *kind*, which is made when it is first asked for."""
        with self._lock:
            if kind not in self._made:
                self._made[kind] = kind(self)
            return cast("_Feature", self._made[kind])

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that were made, each after those that it needs."""
        return tuple(self._made.values())


_NO_PROGRAMS = Text(
    "Terminals can be opened, actions run and connections tested only on this computer itself, at "
    "its address 127.0.0.1 or ::1."
)


def refuse_elsewhere(peer: Peer, why: Text = _NO_PROGRAMS) -> None:
    """Who can listen between here and another computer, or has found the token there, must not be
    able to run programs, or do what *why* says.

    Raises:
        RefusedError: *peer* is not on this computer.
    """
    if not peer.is_local:
        raise RefusedError(why, isLocal=False)
