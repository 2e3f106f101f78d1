"""The work of the owner that goes on without a request."""

from collections.abc import Callable

from aiserver_tray.app import App
from aiserver_tray.contract.channels.file_refresh import FileRefresh
from aiserver_tray.contract.channels.hub import Hub
from aiserver_tray.contract.channels.predecessor import ModuleStatuses
from aiserver_tray.contract.channels.refusals import Refusals
from aiserver_tray.core.core import Core
from aiserver_tray.core.journal_feed import JournalFeed
from aiserver_tray.core.logs.kept import KeptLogs
from aiserver_tray.core.outdated import OutdatedModules
from aiserver_tray.core.stats.samples import Sample, sample_json
from aiserver_tray.core.stats.statistics import Statistics
from aiserver_tray.features.activity.events import ACTIVITY
from aiserver_tray.features.monitoring.events import STATS
from aiserver_tray.features.stack.publishing import Publishing
from aiserver_tray.settings.entries import Entry


class Background:
    """Watches files, keeps logs and samples of *core*, and sends clients what is new, from
    `start` to `close`."""

    def __init__(self, app: App, core: Core) -> None:
        journal = app.settings.journal
        self.hub = Hub()
        self._publishing = Publishing(core.store, self.hub, app.language_for)
        self.hub.add_changes(ModuleStatuses(core.store, app.language_for).current)
        self.refusals = Refusals(journal)
        self._feed = JournalFeed(journal, self._on_entry)
        self.files = FileRefresh(app, core, self._feed)
        self.logs = KeptLogs(app, core.engine.containers, core.store)
        core.before_removal = self.logs.finish
        self.on_sample: Callable[[Sample], object] = lambda _sample: None
        """Called with each sample. To be set before `start`."""
        stats_file = app.home.folder / "data" / "stats.sqlite"
        self.statistics = Statistics(core.engine, core.store, journal, stats_file, self._sampled)
        self._outdated = OutdatedModules(core.store, app, lambda: app.version)

    def start(self) -> None:
        """Publish catalog and settings, and begin.

        Raises:
            SettingError: the settings can't be read.
        """
        self.files.start()
        self._outdated.start()
        self._publishing.start()
        self.statistics.start()
        self.logs.start()

    def close(self) -> None:
        """Watch nothing, wait for nothing, and send no more states and samples."""
        self.files.close()
        self._outdated.close()
        self.statistics.close()
        self.refusals.write()
        self._feed.close()
        self.logs.close()
        self._publishing.close()

    def _sampled(self, sample: Sample) -> None:
        self.on_sample(sample)
        self.hub.publish(STATS.message(sample_json(sample)))

    def _on_entry(self, entry: Entry) -> None:
        self.hub.publish(ACTIVITY.message({"id": entry.id}))
        self.logs.note(entry)
