"""Samples, history and marks of one owner, wired together."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from aiserver_tray.core.stats import restarts
from aiserver_tray.core.stats.history import History
from aiserver_tray.core.stats.machine import EngineDisk
from aiserver_tray.core.stats.operation_marks import OperationMarks
from aiserver_tray.core.stats.sampler import Sampler
from aiserver_tray.core.stats.samples import Sample
from aiserver_tray.core.stats.watching import RecentUsage, Watching
from aiserver_tray.engine.engine import Engine
from aiserver_tray.settings.journal import Journal
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store


class Statistics:
    """Samples the containers of *store* on *engine*, keeps the history in the file *path*, and
    calls *on_sample* with each sample."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        journal: Journal,
        path: Path,
        on_sample: Callable[[Sample], object],
    ) -> None:
        self.engine = engine
        self._store = store
        self._path = path
        self._on_sample = on_sample
        recent = RecentUsage(engine.containers)
        self.sampler = Sampler(recent, store, self._take)
        self.watching = Watching(recent, store, self._take_watched)
        self.disk = EngineDisk(engine)
        self.operations = OperationMarks(journal)
        self.history: History
        self._state: State | None = None
        self._ends = ExitStack()
        """What `start` has begun."""

    def start(self) -> None:
        """Begin."""
        self.history = self._ends.enter_context(closing(History(self._path)))
        self.sampler.start()
        self._ends.callback(self.sampler.close)
        self._ends.callback(self._store.observe(self._note))

    def close(self) -> None:
        """Stop, without waiting for an engine that does not respond."""
        self.watching.close()
        self._ends.close()

    def _take(self, sample: Sample) -> None:
        self.history.add(sample)
        self._on_sample(sample)

    def _take_watched(self, sample: Sample) -> None:
        self.history.add_peaks(sample)

    def _note(self, state: State) -> None:
        before, self._state = self._state, state
        if before is None or before.containers is state.containers:
            return
        for mark in restarts.marks(before, state):
            self.history.add_mark(mark)
