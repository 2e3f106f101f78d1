"""The kept logs of an installation: the store, and the threads that fill it."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import moment_of
from aiserver_tray.core.app import App
from aiserver_tray.engine.containers import Containers
from aiserver_tray.features.doctor.finding import Finding
from aiserver_tray.features.logs.collector import Collector
from aiserver_tray.features.logs.line import Kept
from aiserver_tray.features.logs.lines import (
    MARK,
    MODULE,
    ContainerLines,
    CurrentMasker,
    JournalLines,
    Position,
    PositionMark,
)
from aiserver_tray.features.logs.store.database import LogStoreError, LogStoreFullError
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.salvage import Progress
from aiserver_tray.features.logs.store.store import LogStore, OnStored
from aiserver_tray.features.logs.writer import LogWriter
from aiserver_tray.model import Container
from aiserver_tray.settings.app_settings import AppSettings
from aiserver_tray.settings.entries import Entry
from aiserver_tray.settings.journal import Range
from aiserver_tray.state.store import Store as State
from aiserver_tray.system.paths import make_folder

_TRIM_SECONDS = 3600.0
_RETRY_SECONDS = 60.0
_FLUSH_SECONDS = 2.0
_CLOSE_SECONDS = 6.0
_LONGEST_OPERATION = timedelta(days=1)
_RECOVERY_PAUSE_SECONDS = 0.02
"""Between two steps, so that new lines are stored meanwhile."""
_REMOVAL_SECONDS = 2.0
"""Seconds that the removal of a container waits for its log to be stored."""

_logger = logging.getLogger(__name__)


def file_of_logs(folder: Path) -> Path:
    """The file of the kept logs in the *folder* of an engine."""
    return folder / "data" / "logs.sqlite"


class KeptLogs:
    """Keeps the logs of the containers of *state*, read from *source*, and the journal of
    *installation*, in *folder*, which is that of the engine; *is_ours* returns whether an entry of
    the journal may be about it.

    Its thread opens the store, and again later if that fails, deletes what is too old, and follows
    the settings.
    """

    def __init__(
        self,
        installation: App,
        source: Containers,
        state: State,
        folder: Path,
        is_ours: Callable[[Entry], bool],
    ) -> None:
        self._is_ours = is_ours
        self.path = file_of_logs(folder)
        self.problem: AiServerError | None = None
        """Why nothing can be stored now."""
        self.recovery: Progress | None = None
        """How much of a damaged file was read again. None: there is none, or all of it."""
        self.policy = Policy()
        self.on_problem: Callable[[], object] = lambda: None
        """Called when `problem` changes."""
        self.full_since: datetime | None = None
        """Since when nothing is stored because the disk is full, in local time."""
        self._problem_lock = Lock()
        self._installation = installation
        self._source = source
        self._state = state
        self._stamp: object = None
        """The settings' stamp when `policy` was read."""
        self._observers: list[OnStored] = []
        self._entries: SimpleQueue[Entry] = SimpleQueue()
        self._open: _Open | None = None
        self._trim_at = self._retry_at = 0.0
        self._wake = Event()
        self._is_begun = self._closing = False
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="kept-logs", daemon=True)

    @property
    def reader(self) -> LogReader:
        """A new reader, which reports damage to the store."""
        return LogReader(self.path, on_damaged=self._renew)

    def start(self) -> None:
        self._is_begun = True
        self._leave = self._state.observe(lambda _state: self._wake.set())
        self._thread.start()

    def observe(self, callback: OnStored) -> Callable[[], None]:
        """As `LogStore.observe`, also while the store can't be used."""
        self._observers = [*self._observers, callback]

        def stop() -> None:
            self._observers = [other for other in self._observers if other is not callback]

        return stop

    def note(self, entry: Entry) -> None:
        """Store *entry* of the journal, or a change of it, soon."""
        self._entries.put(entry)
        self._wake.set()

    def reconnect(self) -> None:
        """Read all logs on over new connections to the engine."""
        if self._open:
            self._open.collector.reconnect()

    def finish(self, container: str) -> None:
        """Wait a moment until the log of *container* (an ID), which has ended and will be removed,
        is stored as a whole."""
        if self._open:
            self._open.collector.finish(container, _REMOVAL_SECONDS)

    def covers(self, modules: Collection[str]) -> bool:
        """Whether the kept lines of *modules* are all that can be had."""
        if self._open is None or self.problem or not self.policy.is_on:
            return False
        # While the engine is down, nothing is to be had that is not kept.
        behind = self.behind if self._state.state.engine.running else frozenset()
        return (self.policy.not_kept | behind).isdisjoint(modules)

    def delete(self, module: str) -> None:
        """Delete all kept lines of *module*. If this process has not begun to keep logs, no other
        may do so now.

        Raises:
            AiServerError: the store can't be used.
        """
        if not self._is_begun:
            with closing(LogStore(self.path)) as store:
                store.delete(module)
            return
        opened = self._opened()
        opened.writer.flush(_REMOVAL_SECONDS)
        opened.store.delete(module)

    @property
    def unreadable(self) -> Sequence[Container]:
        """The containers whose logs the engine can't read."""
        return self._open.collector.unreadable if self._open else ()

    def is_complete(self, is_wanted: Callable[[str, str], bool]) -> bool:
        """Whether all lines of the wanted services (module and service) are stored. Their
        containers have ended. Waits a moment for the last ones."""
        opened = self._opened()
        if any(is_wanted(one.module, one.service) for one in opened.collector.incomplete):
            return False
        return opened.writer.flush(_FLUSH_SECONDS)

    @property
    def behind(self) -> frozenset[str]:
        """The modules of which earlier lines are not stored yet, as in the first moments."""
        opened, containers = self._open, self._state.state.containers.values()
        return frozenset(
            container.module
            for container in containers
            if container.started_at
            and self.policy.keeps(container.module)
            and (opened is None or opened.collector.is_behind(container.id))
        )

    def _opened(self) -> "_Open":
        if self._open is None:
            raise self.problem or LogStoreError(self.path, "-")
        return self._open

    def close(self) -> None:
        """Store what was read, and stop."""
        self._leave()
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._closing:
            try:
                pause = self._step()
            except Exception as bug:  # noqa: BLE001 - the next step may succeed
                log_bug(_logger, "keeping logs failed", bug)
                pause = _RETRY_SECONDS
            self._wake.wait(pause)
            self._wake.clear()
        if self._open:
            self._open.close()

    def _step(self) -> float:
        """Do what has to be done now, and return the seconds until the next time."""
        self._follow_settings()
        if (left := self._retry_at - time.monotonic()) > 0:
            return left
        try:
            opened = self._open = self._open or self._begin()
            self._take_entries(opened)
            if self._recover(opened.store):
                return _RECOVERY_PAUSE_SECONDS
            if (left := self._trim_at - time.monotonic()) > 0:
                return left
            opened.store.trim(time.time_ns(), self.policy.days, self.policy.bytes)
            self._trim_others()
        except AiServerError as error:
            _logger.warning("%s", error)
            self._on_problem(error)
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            return _RETRY_SECONDS
        self._on_problem(None)
        self._trim_at = time.monotonic() + _TRIM_SECONDS
        return _TRIM_SECONDS

    def _trim_others(self) -> None:
        """Delete what is too old of engines that are not in use."""
        home = self._installation.home.folder
        for path in map(file_of_logs, (home, *home.glob("engines/*"))):
            if path == self.path or not path.exists():
                continue
            try:
                with closing(LogStore(path)) as store:
                    store.trim(time.time_ns(), self.policy.days, self.policy.bytes)
            except AiServerError as error:  # that engine reports it once it is in use
                _logger.warning("%s", error)

    def _follow_settings(self) -> None:
        settings = self._installation.settings
        if (stamp := settings.stamp) == self._stamp:
            return
        self._stamp = stamp
        try:
            policy = Policy.of(settings.app)
        except SettingError as error:
            _logger.warning("%s", error)
            return
        if policy != self.policy:
            self.policy = policy
            self._trim_at = 0.0
            if self._open:
                self._open.collector.check()

    def _begin(self) -> "_Open":
        installation = self._installation
        make_folder(self.path.parent)
        store = LogStore(self.path, self._on_damaged)
        store.observe(self._on_stored)
        writer = LogWriter(store, self._on_problem)
        masker = CurrentMasker(lambda: installation.secrets, lambda: installation.version)

        def lines(container: Container) -> ContainerLines:
            stored = store.marks(container.id).items()
            marks = {stream: PositionMark(mark.time, mark.newest) for stream, mark in stored}
            return ContainerLines(container, Position(marks, self.policy.oldest), masker, writer)

        collector = Collector(self._source, self._state, writer, lines, self._keeps)
        mark = store.marks(MARK).get("stdout")
        opened = _Open(store, writer, collector, JournalLines(mark.time if mark else 0))
        opened.start()
        # An operation that began before that may have ended later.
        since = moment_of(mark.time) - _LONGEST_OPERATION if mark else None
        with suppress(SettingError):  # it can't be read, and its page says so
            for entry in installation.settings.journal.read(Range(since=since)):
                self._entries.put(entry)
        return opened

    def _keeps(self, module: str) -> bool:
        return self.policy.keeps(module)  # by the settings of that moment

    def _take_entries(self, opened: "_Open") -> None:
        entries: list[Entry] = []
        with suppress(Empty):
            while True:
                entries.append(self._entries.get_nowait())
        entries = [entry for entry in entries if self._is_ours(entry)]
        lines = opened.journal.take(entries, self._installation.language)
        if lines and self.policy.keeps(MODULE):
            opened.writer.put(lines, [opened.journal.mark])

    def _on_stored(self, lines: Sequence[Kept]) -> None:
        for observer in self._observers:
            observer(lines)

    def _on_problem(self, error: AiServerError | None) -> None:
        """Nothing can be stored because of *error*, or again. Two threads report it."""
        with self._problem_lock:
            if not isinstance(error, LogStoreFullError):
                self.full_since = None
            elif self.full_since is None:
                self.full_since = datetime.now().astimezone()
            self.problem = error
        self.on_problem()

    def findings(self) -> Iterator[Finding]:
        """For the doctor: since when nothing is kept."""
        if since := self.full_since:
            text = Text(
                "No logs have been kept since {time}, because the disk of {folder} is full.",
                time=since.strftime("%Y-%m-%d %H:%M"),
                folder=self._installation.home.folder,
            )
            yield Finding("disk", "note", text)

    def _renew(self, file: int) -> bool:
        """A reader found the *file* (an inode) damaged. Returns whether there is a new one."""
        try:
            self._opened().store.renew(file)
        except AiServerError as error:  # as on Windows, while another reader has it open
            _logger.warning("%s", error)
            return False
        return True

    def _on_damaged(self, file: Path) -> None:
        _logger.warning("the kept logs were damaged, they are in %s now", file)
        self._wake.set()

    def _recover(self, store: LogStore) -> bool:
        """Move a part of a damaged file into the new one; whether there may be more."""
        progress = store.salvage()
        if progress is None:
            return False
        self.recovery = None if progress.is_over else progress
        if progress.is_over:
            self._trim_at = 0.0
            self._installation.settings.notices.append(_recovered(progress, self.path))
        return True


@dataclass(frozen=True)
class _Open:
    """The parts that exist while the store can be used."""

    store: LogStore
    writer: LogWriter
    collector: Collector
    journal: JournalLines

    def start(self) -> None:
        self.writer.start()
        self.collector.start()

    def close(self) -> None:
        self.collector.close()
        self.writer.close(_FLUSH_SECONDS)
        self.store.close()


def _recovered(progress: Progress, file: Path) -> Text:
    if progress.total and not progress.lost:
        return Text("The kept logs were damaged. All lines could be read again.")
    return Text(
        "The kept logs were damaged. {count} of {total} blocks of lines could be read again. The "
        "damaged file is {file}.",
        file=file.with_name("logs.damaged.sqlite"),
        count=progress.total - progress.lost,
        total=progress.total,
    )


_DAY_NANOSECONDS = 86_400 * 10**9


@dataclass(frozen=True)
class Policy:
    """The user's settings: which logs are kept, and how long."""

    is_on: bool = True
    days: int = 14
    bytes: int = 500 * 2**20
    not_kept: frozenset[str] = frozenset()

    @classmethod
    def of(cls, app: AppSettings) -> "Policy":
        """The policy of the settings *app*.

        Raises:
            SettingError: a stored value is wrong.
        """
        return cls(app.logs_keep, app.logs_keep_days, app.logs_keep_size, app.logs_not_kept)

    def keeps(self, module: str) -> bool:
        """Whether the logs of *module* are kept."""
        return self.is_on and module not in self.not_kept

    @property
    def oldest(self) -> int:
        """The time of the oldest lines that are kept: nanoseconds since 1970."""
        return time.time_ns() - self.days * _DAY_NANOSECONDS
