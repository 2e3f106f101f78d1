"""The contract, kept: what the owner of the core offers to its clients."""

from collections.abc import Collection
from typing import Any

from aiserver_tray.app import App
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channels.activity import ActivityChannels
from aiserver_tray.contract.channels.catalog import CatalogChannels
from aiserver_tray.contract.channels.details import DetailChannels
from aiserver_tray.contract.channels.dispatch import Handlers, dispatch, handlers_of
from aiserver_tray.contract.channels.doctor import DoctorChannels
from aiserver_tray.contract.channels.engine import EngineChannels
from aiserver_tray.contract.channels.engine_setup import EngineSetupChannels
from aiserver_tray.contract.channels.file_refresh import FileRefresh
from aiserver_tray.contract.channels.hub import Hub
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
from aiserver_tray.contract.channels.refusals import Refusals
from aiserver_tray.contract.channels.rules import RuleChannels
from aiserver_tray.contract.channels.settings import SettingChannels
from aiserver_tray.contract.channels.snapshot import SnapshotChannels
from aiserver_tray.contract.channels.stats import StatsChannels
from aiserver_tray.contract.channels.support import SupportChannels
from aiserver_tray.contract.channels.system import SystemChannels
from aiserver_tray.contract.channels.trust import TrustChannels
from aiserver_tray.contract.channels.welcome import WelcomeChannels
from aiserver_tray.contract.contract import Caller, Envelope, Peer
from aiserver_tray.contract.events import ACTIVITY, STATS
from aiserver_tray.contract.message import Message
from aiserver_tray.core.core import Core
from aiserver_tray.core.journal_feed import JournalFeed
from aiserver_tray.core.logs.kept import KeptLogs
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.core.outdated import OutdatedModules
from aiserver_tray.core.stats.forms import sample_json
from aiserver_tray.core.stats.samples import Sample
from aiserver_tray.core.stats.statistics import Statistics
from aiserver_tray.model import Actor, Carrier
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.service import Operation
from aiserver_tray.settings.entries import Entry


class Api:
    """Keeps `contract.Contract` for the installation *app* with its running *core*, in *process*.
    Texts are in the language that the user chose, else in the client's own."""

    def __init__(self, app: App, core: Core, process: Process) -> None:
        self._app = app
        self._hub = Hub(core.store, app.language_for)
        self._feed = JournalFeed(app.settings.journal, self._on_entry)
        self.logs = KeptLogs(app, core.engine.containers, core.store)
        """The kept logs."""
        core.before_removal = self.logs.finish
        self._files = FileRefresh(app, core, self._feed)
        self._statistics = Statistics(
            core.engine,
            core.store,
            app.settings.journal,
            app.home.folder / "data" / "stats.sqlite",
            self._on_sample,
        )
        self._refusals = Refusals(app.settings.journal)
        self._outdated = OutdatedModules(core.store, app, lambda: app.version)
        reader = LogReader(self.logs.path)
        self._operations = OperationChannels(core)
        begin = self._operations.begin
        rules = RuleChannels(app, core, self.publish)
        self.rules = rules.watch
        self._parts: list[Part] = [
            ProcessChannels(app, core, process, self._operations),
            SettingChannels(app, self._files.refresh),
            ModuleSettingChannels(app, core, self._files.refresh, begin),
            EngineChannels(core, app.settings),
            CatalogChannels(app, self._files.refresh),
            EngineSetupChannels(core, self.publish),
            WelcomeChannels(app),
            SystemChannels(),
            LogChannels(core),
            KeptLogChannels(reader, self.logs),
            LogFollowChannels(self.logs.observe, reader),
            LogExportChannels(app.home.folder / "exports", reader, self.publish),
            LogKeepingChannels(self.logs),
            self._operations,
            PredecessorChannels(core, begin),
            SnapshotChannels(core),
            DoctorChannels(app),
            PackageChannels(),
            SupportChannels(app, core),
            TrustChannels(app),
            DetailChannels(app, core),
            ActivityChannels(app.settings.journal, self._refusals),
            StatsChannels(core, self._statistics, app.home.folder / "exports"),
            rules,
        ]
        self._handlers: Handlers = handlers_of(self._parts)

    def include(self, part: Part) -> None:
        """Offer the channels of *part*, too. Only before clients come."""
        self._parts.append(part)
        self._handlers = handlers_of(self._parts)

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""
        self._files.refresh()
        caller = Caller(peer, self._app.language_for(peer.language))
        return dispatch(self._handlers, channel, payload, caller)

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before."""
        self._hub.subscribe(peer, events)

    def forget(self, peer: Peer) -> None:
        """The client is gone."""
        self._hub.forget(peer)
        for part in self._parts:
            part.forget(peer)

    def publish(self, message: Message) -> None:
        """Send *message* to all clients that subscribed to its event."""
        self._hub.publish(message)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """A client of *carrier* was refused, because it may not connect."""
        self._refusals.add(carrier, reason)

    def begin(self, request: Request, actor: Actor) -> Operation:
        """Start *request* of *actor*, so that clients can cancel it."""
        self._files.refresh()
        return self._operations.begin(request, actor)

    def start(self) -> None:
        """Publish catalog and settings, watch their files, and send states and samples from now on.

        Raises:
            SettingError: the settings can't be read.
        """
        self._files.start()
        self._outdated.start()
        self._hub.start()
        self._statistics.start()
        self.logs.start()
        self.logs.observe(self.rules.on_lines)
        self.rules.start()

    def close(self) -> None:
        """Watch nothing, wait for nothing, and send no more states and samples."""
        self._files.close()
        self._outdated.close()
        self._statistics.close()
        for part in self._parts:
            part.close()
        self._refusals.write()
        self._feed.close()
        self.logs.close()
        self._hub.close()

    def _on_sample(self, sample: Sample) -> None:
        self.rules.on_sample(sample)
        self._hub.publish(STATS.message(sample_json(sample)))

    def _on_entry(self, entry: Entry) -> None:
        self._hub.publish(ACTIVITY.message({"id": entry.id}))
        self.logs.note(entry)
