"""Following the logs of all our containers, each in a thread of its own."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Literal

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, ObjectNotFoundError, UnsupportedError
from aiserver_tray.engine.containers import Containers
from aiserver_tray.engine.logs import LogStream
from aiserver_tray.engine.stream import SilenceError
from aiserver_tray.features.logs.lines import ContainerLines
from aiserver_tray.features.logs.writer import LogWriter
from aiserver_tray.model import AT_REST, Container
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_logger = logging.getLogger(__name__)

_BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds after a failure before a log is read on; the last for all later."""
_AGAIN_SECONDS = 1.0
"""Seconds after the end of a log before it is read on, although its container seems to run: the
state is a moment late."""


_QUIET_SECONDS = 60.0
"""Seconds without a line after which a log gives up its connection, if each one costs a program."""
_LOOK_SECONDS = 3.0
"""Seconds between two looks whether such a log has a new line."""

_Run = tuple[bool, datetime | None]
"""One run of a container, by its start: whether it has ended."""


class FollowedLog:
    """Reads the log of *container* on in a thread, as long as there may be more of it. *on_end* is
    called when the thread ends."""

    def __init__(
        self,
        source: Containers,
        container: Container,
        lines: ContainerLines,
        on_end: Callable[[], object],
    ) -> None:
        self.container = container
        self.is_unreadable = False
        """The engine can't read logs of its logging driver."""
        self.is_behind = True
        """Lines from before it was read for the first time are not stored yet."""
        self._source = source
        self._lines = lines
        self._on_end = on_end
        self._lock = Lock()
        self._thread: Thread | None = None
        self._log: LogStream | None = None
        self._interrupted = False
        self._read: _Run | None = None
        """The run that was read up to its end."""
        self._quiet: _Run | None = None
        """The run that wrote nothing for long, and is not followed now."""
        self._failures = 0
        self._not_before = 0.0

    @property
    def is_quiet(self) -> bool:
        """Whether it is not followed, until `look` finds that there is more."""
        return self._quiet is not None and self._quiet == self._run

    @property
    def is_reading(self) -> bool:
        return self._thread is not None

    @property
    def _run(self) -> _Run:
        return self.container.status in AT_REST, self.container.started_at

    def advance(self, now: float) -> float | None:
        """Start to read if there may be more, and it is time. Returns the seconds until then; None:
        there is nothing to wait for. *now*: monotonic seconds."""
        with self._lock:
            if self._thread or self._is_done or self.is_quiet:
                return None
            if (left := self._not_before - now) > 0:
                return left
            self._start()
        return None

    @property
    def _is_done(self) -> bool:
        """Whether there can't be more before the container starts again."""
        is_at_rest, started_at = self._run
        if started_at is None:
            return True
        was_read = self._read is not None and self._read[1] == started_at
        return was_read and (self.is_unreadable or (is_at_rest and self._read == self._run))

    def is_complete(self, container: Container) -> bool:
        """Whether the log was read after the end of this run of its container."""
        run = True, container.started_at
        is_read = container.status in AT_REST and self._read == run
        return is_read or self.is_unreadable or container.started_at is None

    def look(self) -> None:
        """Follow it again if there is a new line. Needs no connection of its own."""
        try:
            if not self._source.has_written(self.container.id, self._lines.newest + 1):
                return
        except ObjectNotFoundError:  # removed meanwhile
            pass
        except AiServerError:  # the engine is lost
            return
        self._quiet = None
        self._on_end()

    def retry(self) -> None:
        """Forget failures: the engine is back."""
        self._failures, self._not_before = 0, 0.0

    def finish(self, deadline: float) -> None:
        """Wait until its log is read up to the end, at most until *deadline* (monotonic seconds).
        The container has ended."""
        if log := self._log:
            log.hurry()
        self.join(deadline)
        with self._lock:
            started_at = self.container.started_at
            if self._thread or (self._read and self._read[1] == started_at) or not started_at:
                return
            self._start()
        self.join(deadline)

    def interrupt(self) -> None:
        """End the connection to the engine. The next `advance` reads on."""
        self._interrupted = True
        if log := self._log:
            log.close()

    def join(self, deadline: float) -> None:
        """Wait for the end of its thread, at most until *deadline* (monotonic seconds)."""
        if thread := self._thread:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self) -> None:
        self._interrupted = False
        work, container = (self._run,), self.container.name
        self._thread = Thread(target=self._work, args=work, name=f"log-{container}", daemon=True)
        self._thread.start()

    def _work(self, run: _Run) -> None:
        try:
            self._read_on(run)
        except ObjectNotFoundError:  # removed meanwhile
            self.is_behind = False
            self._ended(run)
        except SilenceError:
            self._quiet = run
        except UnsupportedError:
            self.is_unreadable, self.is_behind = True, False
            self._ended(run)
        except AiServerError as error:
            _logger.debug("the log of %s can't be read: %s", self.container.name, error)
            self._failed()
        except Exception as bug:  # noqa: BLE001 - the next attempt may succeed
            log_bug(_logger, "reading a log failed", bug)
            self._failed()
        else:
            if not self._interrupted:
                self._ended(run)
        with self._lock:
            self._log = self._thread = None
        self._on_end()

    def _read_on(self, run: _Run) -> None:
        # The end of a log that is not followed is certain.
        if run[0] or self.is_behind:
            self._read_log("stop")
            if self._interrupted:
                return
            self._lines.flush()
            self.is_behind = False
        if not run[0]:
            self._read_log("follow")

    def _read_log(self, follow: Literal["follow", "stop"]) -> None:
        since = self._lines.reopen()
        with self._source.logs(self.container.id, since=since, follow=follow) as log:
            self._log = log
            if self._interrupted:
                return
            if follow == "follow" and self._source.is_costly_to_follow:
                log.allow_silence(_QUIET_SECONDS)
            for lines in log.batches():
                self._failures = 0
                self._lines.put(lines)

    def _ended(self, run: _Run) -> None:
        self._read = run
        self._not_before = time.monotonic() + _AGAIN_SECONDS

    def _failed(self) -> None:
        pause = _BACK_OFF_SECONDS[min(self._failures, len(_BACK_OFF_SECONDS) - 1)]
        self._failures += 1
        self._not_before = time.monotonic() + pause


_CLOSE_SECONDS = 1.0


class Collector:
    """Reads the logs of the containers of *store*, and gives them to what *lines* returns for each.
    *is_kept*: whether the logs of a module are wanted."""

    def __init__(
        self,
        source: Containers,
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
        self._closed = Event()
        self._looking: Thread | None = None

    @property
    def unreadable(self) -> list[Container]:
        """The containers whose logs the engine can't read."""
        return [log.container for log in list(self._logs.values()) if log.is_unreadable]

    def is_behind(self, container: str) -> bool:
        """Whether earlier lines of *container* (an ID) are not stored yet."""
        log = self._logs.get(container)
        return log is None or log.is_behind

    @property
    def incomplete(self) -> Iterator[Container]:
        """The containers whose logs may have lines that were not read yet."""
        logs, containers = dict(self._logs), self._store.state.containers.values()
        for container in containers:
            log, is_new = logs.pop(container.id, None), container.started_at is None
            is_complete = log.is_complete(container) if log else is_new
            if not is_complete and self._is_kept(container.module):
                yield container
        # Those that were removed are read up to the end of the connection.
        yield from (log.container for log in logs.values() if log.is_reading)

    def start(self) -> None:
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
        """Wait at most *seconds* until the log of *container* (an ID; it has ended) is stored."""
        deadline = time.monotonic() + seconds
        log = self._logs.get(container)
        if log and self._is_kept(log.container.module):
            log.finish(deadline)
            self._writer.flush(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Stop, without waiting for an engine that does not respond."""
        self._leave()
        self._closing = True
        self._closed.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        for log in (logs := list(self._logs.values())):
            log.interrupt()
        deadline = time.monotonic() + _CLOSE_SECONDS
        if self._looking:
            self._looking.join(_CLOSE_SECONDS)
        for log in logs:
            log.join(deadline)

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
        """Read what can be read now. Returns the seconds until there is more to do, if known."""
        is_back = state.engine.running and not self._was_running
        self._was_running = state.engine.running
        if not state.engine.running or self._closing:
            return None
        self._take(state.containers.values())
        if is_back:
            for log in self._logs.values():
                log.retry()
        if self._looking is None and any(log.is_quiet for log in self._logs.values()):
            self._looking = Thread(target=self._look, name="log-quiet", daemon=True)
            self._looking.start()
        now = time.monotonic()
        pauses = [log.advance(now) for log in self._logs.values()]
        return min((pause for pause in pauses if pause is not None), default=None)

    def _look(self) -> None:
        """Look after the quiet logs, one after the other, so that one connection is enough."""
        while not self._closed.wait(_LOOK_SECONDS):
            for log in list(self._logs.values()):
                if not log.is_quiet or not self._store.state.engine.running or self._closing:
                    continue
                try:
                    log.look()
                except Exception as bug:  # noqa: BLE001 - the others go on
                    log_bug(_logger, "looking after a quiet log failed", bug)

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
