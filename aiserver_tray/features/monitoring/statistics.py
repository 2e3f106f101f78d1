"""Samples, history and marks of one owner, wired together."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from aiserver_tray.base.file_version import version_of
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import DiskUse, VolumeUse
from aiserver_tray.features.monitoring.history import History, Mark, MarkKind, Span
from aiserver_tray.features.monitoring.sampler import RecentUsage, Sampler, Watching
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.model import AT_REST, Container
from aiserver_tray.settings.entries import OperationEntry
from aiserver_tray.settings.journal import Journal, Range
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store


class Statistics:
    """Samples the containers of *store* on *engine*, keeps the history in the file *path*, and
    calls *on_sample* with each sample."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        operations: "OperationMarks",
        path: Path,
        on_sample: Callable[[Sample], object],
    ) -> None:
        self.engine = engine
        self._store = store
        self._path = path
        self._on_sample = on_sample
        recent = RecentUsage(engine.containers.usage)
        self.sampler = Sampler(recent.usage, store, self._take)
        self.watching = Watching(recent, store, self._take_watched)
        self.disk = EngineDisk(engine)
        self.operations = operations
        self.history: History
        self._is_kept = False
        """Whether samples are kept in `history`."""
        self._state: State | None = None
        self._ends = ExitStack()
        """What `start` has begun."""

    def start(self) -> None:
        """Begin to take and keep samples. Before that, there are only those that are watched."""
        self._is_kept = True
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
        if self._is_kept:
            self.history.add_peaks(sample)

    def _note(self, state: State) -> None:
        before, self._state = self._state, state
        if before is None or before.containers is state.containers:
            return
        for mark in restart_marks(before, state):
            self.history.add_mark(mark)


class OperationMarks:
    """The operations in *journal* that have an ID of those that *engines* returns. The journal is
    only read again when its file has changed."""

    def __init__(self, journal: Journal, engines: Callable[[], Collection[str | None]]) -> None:
        self._journal = journal
        self._engines = engines
        self._lock = Lock()
        self._stamp: list[int] | None = None
        self._entries: tuple[OperationEntry, ...] = ()

    def between(self, span: Span, module: str | None) -> list[OperationEntry]:
        """Those that began in *span*, of *module* or of all, in order.

        Raises:
            SettingError: the journal can't be read.
        """
        engines = self._engines()
        return [
            entry
            for entry in self._all()
            if entry.engine in engines
            and span.begin <= entry.time.timestamp() < span.end
            and (module is None or module in entry.modules)
        ]

    def _all(self) -> tuple[OperationEntry, ...]:
        with self._lock:
            stamp = version_of(self._journal.path)
            if stamp is None or stamp != self._stamp:
                found = self._journal.read(Range(kinds=frozenset({"operation"})))
                operations = [e for e in reversed(found) if isinstance(e, OperationEntry)]
                # Without the steps, which nobody needs here.
                self._entries = tuple(replace(entry, steps=()) for entry in operations)
                self._stamp = stamp
            return self._entries


def restart_marks(before: State, now: State) -> Iterator[Mark]:
    """Restarts and unplanned exits of services between two states."""
    for name, container in now.containers.items():
        old = before.containers.get(name)
        if old is None or old is container or old.id != container.id:
            continue
        is_unplanned = name in now.unplanned and name not in before.unplanned
        if is_unplanned and container.status in AT_REST and container.finished_at:
            yield _mark(container, container.finished_at, "exit")
        was_started = old.started_at and old.started_at != container.started_at
        is_running = container.status == "running" and not now.work.has(container.module)
        if was_started and is_running and container.started_at:
            yield _mark(container, container.started_at, "restart")


def _mark(container: Container, at: datetime, kind: MarkKind) -> Mark:
    return Mark(round(at.timestamp()), container.module, container.service, kind)


MAX_AGE_SECONDS: Final = 600
"""The engine reads every file of its volumes to count them, so it is rarely asked."""


@dataclass(frozen=True, slots=True)
class MachineUse:
    """Bytes of this machine now; `null`: not known."""

    memory_available: int | None
    disk_free: int | None
    """of the disk with the files of the engine"""
    disk_size: int | None


@dataclass(frozen=True, slots=True)
class CountedDisk:
    """The disk use of an engine, as it was counted."""

    time: float
    """Seconds since 1970."""
    use: DiskUse
    volumes: Sequence[VolumeUse]


class EngineDisk:
    """The disk use of *engine*, which is asked at most every ten minutes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._found: CountedDisk | None = None

    def counted(self, max_age: float = MAX_AGE_SECONDS) -> CountedDisk:
        """The disk use, counted at most *max_age* seconds ago.

        Raises:
            EngineDownError, EngineRequestError: it can't be asked.
        """
        with self._lock:
            if self._found is None or not 0 <= time.time() - self._found.time <= max_age:
                use, volumes = self._engine.disk_use()
                self._found = CountedDisk(time.time(), use, volumes)
            return self._found


def machine_use(engine: Engine) -> MachineUse | None:
    """The machine of *engine*, as far as it is known.

    Raises:
        EngineDownError: it does not answer.
    """
    found = engine.machine()
    if found.available_memory is None:
        return None
    return MachineUse(found.available_memory, found.free_disk, found.disk_size)
