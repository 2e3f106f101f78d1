"""Following the logs of all our containers."""

import logging
import time
from collections.abc import Callable, Iterable
from threading import Event, Thread

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.core.logs.collect.followed import FollowedLog, LogSource
from aiserver_tray.core.logs.collect.lines import ContainerLines
from aiserver_tray.core.logs.collect.writer import LogWriter
from aiserver_tray.model import Container
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_CLOSE_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class Collector:
    """Reads the logs of the containers of *store*, and gives them to what *lines* returns for each.
    *is_kept*: whether the logs of a module are wanted."""

    def __init__(
        self,
        source: LogSource,
        store: Store,
        writer: LogWriter,
        lines: Callable[[Container], ContainerLines],
        is_kept: Callable[[str], bool],
    ) -> None:
        self._source = source
        self._store = store
        self._writer = writer
        self._lines = lines
        self._is_kept = is_kept
        self._logs: dict[str, FollowedLog] = {}
        """By the container's ID."""
        self._wake = Event()
        self._closing = False
        self._was_running = False
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="log-collector", daemon=True)

    @property
    def unreadable(self) -> list[Container]:
        """The containers whose logs the engine can't read."""
        return [log.container for log in list(self._logs.values()) if log.is_unreadable]

    def is_behind(self, container: str) -> bool:
        """Whether earlier lines of *container* (an ID) are not stored yet."""
        log = self._logs.get(container)
        return log is None or log.is_behind

    def start(self) -> None:
        """Begin."""
        self._leave = self._store.observe(lambda _state: self._wake.set())
        self._thread.start()

    def check(self) -> None:
        """Look again at which logs are wanted."""
        self._wake.set()

    def reconnect(self) -> None:
        """Read all logs on over new connections: old ones may be dead without an end."""
        for log in list(self._logs.values()):
            log.interrupt()
        self._wake.set()

    def finish(self, container: str, seconds: float) -> None:
        """Wait until the log of *container* (an ID), which has ended, is stored as a whole; at most
        so many *seconds*."""
        deadline = time.monotonic() + seconds
        log = self._logs.get(container)
        if log and self._is_kept(log.container.module):
            log.finish(deadline)
            self._writer.flush(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Stop, without waiting for an engine that does not respond."""
        self._leave()
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        logs = list(self._logs.values())
        for log in logs:
            log.interrupt()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for log in logs:
            log.join(deadline - time.monotonic())

    # -- in its thread -------------------------------------------------------------------------

    def _run(self) -> None:
        pause: float | None = None
        while not self._closing:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                pause = self._step(self._store.state)
            except Exception as bug:  # noqa: BLE001 - the next step may succeed
                log_bug(_logger, "following the logs failed", bug)
                pause = _CLOSE_SECONDS

    def _step(self, state: State) -> float | None:
        """Read what can be read now. Returns the seconds until there is more to do, if that is
        known."""
        is_back = state.engine.running and not self._was_running
        self._was_running = state.engine.running
        if not state.engine.running or self._closing:
            return None
        self._take(state.containers.values())
        now = time.monotonic()
        pauses = []
        for log in self._logs.values():
            if is_back:
                log.retry()
            if (pause := log.advance(now)) is not None:
                pauses.append(pause)
        return min(pauses, default=None)

    def _take(self, containers: Iterable[Container]) -> None:
        wanted = {c.id: c for c in containers if self._is_kept(c.module)}
        for id, container in wanted.items():
            if log := self._logs.get(id):
                log.container = container
            else:
                lines = self._lines(container)
                self._logs[id] = FollowedLog(self._source, container, lines, self._wake.set)
        for id in self._logs.keys() - wanted.keys():
            log = self._logs[id]
            if not self._is_kept(log.container.module):
                log.interrupt()
            if not log.is_reading:  # one that was removed ends by itself
                del self._logs[id]
