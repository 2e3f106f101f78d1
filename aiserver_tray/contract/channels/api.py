"""The contract, kept: what the owner of the core offers to its clients."""

from collections.abc import Collection
from typing import Any

from aiserver_tray.app import App
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channels.activity import ActivityChannels
from aiserver_tray.contract.channels.background import Background
from aiserver_tray.contract.channels.catalog import CatalogChannels
from aiserver_tray.contract.channels.connection import ConnectionChannels
from aiserver_tray.contract.channels.details import DetailChannels
from aiserver_tray.contract.channels.dispatch import Handlers, dispatch, handlers_of
from aiserver_tray.contract.channels.doctor import DoctorChannels
from aiserver_tray.contract.channels.engine import EngineChannels
from aiserver_tray.contract.channels.engine_setup import EngineSetupChannels
from aiserver_tray.contract.channels.kept_logs import KeptLogChannels
from aiserver_tray.contract.channels.log_export import LogExportChannels
from aiserver_tray.contract.channels.log_follow import LogFollowChannels
from aiserver_tray.contract.channels.log_keeping import LogKeepingChannels
from aiserver_tray.contract.channels.logs import LogChannels
from aiserver_tray.contract.channels.module_settings import ModuleSettingChannels
from aiserver_tray.contract.channels.operations import OperationChannels
from aiserver_tray.contract.channels.packages import PackageChannels
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.channels.predecessor import PredecessorChannels
from aiserver_tray.contract.channels.process import Process, ProcessChannels
from aiserver_tray.contract.channels.rules import RuleChannels
from aiserver_tray.contract.channels.settings import SettingChannels
from aiserver_tray.contract.channels.snapshot import SnapshotChannels
from aiserver_tray.contract.channels.stats import StatsChannels
from aiserver_tray.contract.channels.support import SupportChannels
from aiserver_tray.contract.channels.system import SystemChannels
from aiserver_tray.contract.channels.trust import TrustChannels
from aiserver_tray.contract.channels.welcome import WelcomeChannels
from aiserver_tray.contract.contract import Caller, Envelope, Peer
from aiserver_tray.contract.message import Message
from aiserver_tray.core.core import Core
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.model import Actor, Carrier
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request


class Api:
    """Keeps `contract.Contract` for the installation *app* with its running *core*, in *process*.
    Texts are in the language that the user chose, else in the client's own."""

    def __init__(self, app: App, core: Core, process: Process) -> None:
        self._app = app
        self._background = Background(app, core)
        self.logs = self._background.logs
        """The kept logs."""
        self._operations = OperationChannels(core)
        rules = RuleChannels(app, core, self.publish)
        self.rules = rules.watch
        self._parts: list[Part] = [
            self._operations,
            rules,
            ProcessChannels(app, core, process, self._operations),
            *self._log_parts(app, core),
            *self._parts_of_modules(app, core),
            *self._parts_of_engine_and_app(app, core),
        ]
        self._handlers: Handlers = handlers_of(self._parts)

    def _log_parts(self, app: App, core: Core) -> list[Part]:
        reader = LogReader(self.logs.path)
        return [
            LogChannels(core),
            KeptLogChannels(reader, self.logs),
            LogFollowChannels(self.logs.observe, reader),
            LogExportChannels(app.home.folder / "exports", reader, self.publish),
            LogKeepingChannels(self.logs),
        ]

    def _parts_of_modules(self, app: App, core: Core) -> list[Part]:
        refresh, begin = self._background.files.refresh, self._operations.begin
        return [
            SettingChannels(app, refresh),
            ModuleSettingChannels(app, core, refresh, begin),
            CatalogChannels(app, refresh),
            PredecessorChannels(core, begin),
            SnapshotChannels(core),
            DetailChannels(app, core),
            TrustChannels(app),
            ConnectionChannels(app, core, refresh),
        ]

    def _parts_of_engine_and_app(self, app: App, core: Core) -> list[Part]:
        background, exports = self._background, app.home.folder / "exports"
        return [
            EngineChannels(core, app.settings),
            EngineSetupChannels(core, self.publish),
            StatsChannels(core, background.statistics, exports),
            ActivityChannels(app.settings.journal, background.refusals),
            WelcomeChannels(app),
            SystemChannels(),
            DoctorChannels(app),
            PackageChannels(),
            SupportChannels(app, core),
        ]

    def include(self, part: Part) -> None:
        """Offer the channels of *part*, too. Only before clients come."""
        self._parts.append(part)
        self._handlers = handlers_of(self._parts)

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""
        self._background.files.refresh()
        caller = Caller(peer, self._app.language_for(peer.language))
        return dispatch(self._handlers, channel, payload, caller)

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before."""
        self._background.hub.subscribe(peer, events)

    def forget(self, peer: Peer) -> None:
        """The client is gone."""
        self._background.hub.forget(peer)
        for part in self._parts:
            part.forget(peer)

    def publish(self, message: Message) -> None:
        """Send *message* to all clients that subscribed to its event."""
        self._background.hub.publish(message)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """A client of *carrier* was refused, because it may not connect."""
        self._background.refusals.add(carrier, reason)

    def begin(self, request: Request, actor: Actor) -> Operation:
        """Start *request* of *actor*, so that clients can cancel it."""
        self._background.files.refresh()
        return self._operations.begin(request, actor)

    def start(self) -> None:
        """Publish catalog and settings, watch their files, and send states and samples from now on.

        Raises:
            SettingError: the settings can't be read.
        """
        self._background.on_sample = self.rules.on_sample
        self._background.start()
        self.logs.observe(self.rules.on_lines)
        self.rules.start()

    def close(self) -> None:
        """Watch nothing, wait for nothing, and send no more states and samples."""
        for part in self._parts:
            part.close()
        self._background.close()
