"""Following the log of one container."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Lock, Thread
from typing import Literal, Protocol

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, ObjectNotFoundError, UnsupportedError
from aiserver_tray.core.logs.collect.lines import ContainerLines
from aiserver_tray.engine.values import LogLine
from aiserver_tray.model import AT_REST, Container

_BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds after a failure before a log is read on; the last for all later."""

_AGAIN_SECONDS = 1.0
"""Seconds after the end of a log before it is read on, although its container seems to run: the
state is a moment late."""

_logger = logging.getLogger(__name__)


class OpenLog(Protocol):
    """A log that is read."""

    def batches(self) -> Iterator[Sequence[LogLine]]: ...
    def hurry(self) -> None: ...
    def close(self) -> None: ...


class LogSource(Protocol):
    """The containers API that is used here."""

    def logs(
        self, container: str, /, *, since: int | None, follow: Literal["follow", "stop"]
    ) -> "AbstractContextManager[OpenLog]": ...


_Run = tuple[bool, datetime | None]
"""One run of a container, by its start: whether it has ended."""


class FollowedLog:
    """Reads the log of *container* on in a thread, as long as there may be more of it. *on_end* is
    called when the thread ends."""

    def __init__(
        self,
        source: LogSource,
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
        self._log: OpenLog | None = None
        self._interrupted = False
        self._read: _Run | None = None
        """The run that was read up to its end."""
        self._failures = 0
        self._not_before = 0.0

    @property
    def is_reading(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None

    @property
    def _run(self) -> _Run:
        return self.container.status in AT_REST, self.container.started_at

    def advance(self, now: float) -> float | None:
        """Start to read if there may be more, and it is time. Returns the seconds until then; None:
        there is nothing to wait for. *now*: monotonic seconds."""
        with self._lock:
            if self._thread or self._is_done:
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

    def retry(self) -> None:
        """Forget failures: the engine is back."""
        self._failures, self._not_before = 0, 0.0

    def finish(self, deadline: float) -> None:
        """Wait until its log is read up to the end, at most until *deadline* (monotonic seconds).
        The container has ended."""
        if log := self._log:
            log.hurry()
        self._join(deadline)
        with self._lock:
            started_at = self.container.started_at
            if self._thread or (self._read and self._read[1] == started_at) or not started_at:
                return
            self._start()
        self._join(deadline)

    def interrupt(self) -> None:
        """End the connection to the engine. The next `advance` reads on."""
        self._interrupted = True
        if log := self._log:
            log.close()

    def join(self, seconds: float) -> None:
        """Wait for the end of its thread."""
        self._join(time.monotonic() + seconds)

    def _join(self, deadline: float) -> None:
        if thread := self._thread:
            thread.join(max(0.0, deadline - time.monotonic()))

    # -- its thread ----------------------------------------------------------------------------

    def _start(self) -> None:
        self._interrupted = False
        container, work = self.container.name, (self._run,)
        self._thread = Thread(target=self._work, args=work, name=f"log-{container}", daemon=True)
        self._thread.start()

    def _work(self, run: _Run) -> None:
        try:
            self._read_on(run)
        except ObjectNotFoundError:  # removed meanwhile
            self.is_behind = False
            self._ended(run)
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
