"""The contract, kept: what the owner of the core offers to its clients."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from aiserver_tray.base.errors import BusyError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.core.upkeep import FileRefresh, OutdatedModules
from aiserver_tray.features.activity.channels import ActivityFeature
from aiserver_tray.features.place import Place, Process
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.features.stack.publishing import Publishing
from aiserver_tray.model import Actor, Carrier
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.owner.features import Features
from aiserver_tray.protocol.channel import dispatch
from aiserver_tray.protocol.message import Caller, Envelope, Peer

_ANSWER_TIMEOUT_SECONDS = 5.0
"""Seconds that a change of the engine waits for answers; those that follow logs may take long."""


class Api:
    """Keeps `contract.Contract` for the installation *app* with its running *core*, in *process*,
    with all features. Texts are in the language that the user chose, else in the client's own."""

    def __init__(self, app: App, core: Core, process: Process) -> None:
        self._app = app
        self._files = FileRefresh(app, core)
        self._outdated = OutdatedModules(core.store, app, lambda: app.version)
        self.place = Place(app, lambda: core, process, self, self._files.refresh)
        self._publishing = Publishing(core.store, self.place.hub, app.language_for)
        self._features = Features(self.place)
        self._files.before_refresh = self._refresh
        self._lock = Lock()
        self._running = 0
        """The requests that are not answered yet."""
        self._changed_at: float | None = None
        """When the settings were found to name another engine."""

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""
        with self._counted():
            self._files.refresh()
            caller = Caller(peer, self._app.language_for(peer.language))
            return dispatch(self._features, channel, payload, caller)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
            self._follow_engine()

    def _refresh(self) -> None:
        self._features.refresh()
        self._follow_engine()

    def _follow_engine(self) -> None:
        """If the settings name another engine by now, have the core opened again, once no operation
        is under way and requests are answered, such as that which changed the setting."""
        if not self._app.has_other_engine:
            self._changed_at = None
            return
        now = time.monotonic()
        self._changed_at = self._changed_at or now
        if self._running and now - self._changed_at < _ANSWER_TIMEOUT_SECONDS:
            return
        with suppress(BusyError):  # tried again within seconds
            self.place.feature(StackFeature).give_up(self.place.process.restart_core)

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before."""
        self.place.hub.subscribe(peer, events)

    def forget(self, peer: Peer) -> None:
        """The client is gone."""
        self.place.hub.forget(peer)
        self._features.forget(peer)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """A client of *carrier* was refused, because it may not connect."""
        self.place.feature(ActivityFeature).refused(carrier, reason)

    def begin(self, request: Request, actor: Actor) -> Operation:
        """Start *request* of *actor*, so that clients can cancel it."""
        self._files.refresh()
        return self.place.feature(StackFeature).begin(request, actor)

    def start(self) -> None:
        """Publish catalog and settings, watch their files, and start all features.

        Raises:
            SettingError: the settings can't be read.
        """
        self._files.start()
        self._outdated.start()
        self._publishing.start()
        self._features.start()

    def close(self) -> None:
        """Watch nothing, wait for nothing, and end all features."""
        self._files.close()
        self._outdated.close()
        self._features.close()
        self._publishing.close()
