"""Storing the lines of all sources in few transactions."""

import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.features.logs.line import Gap, Line, Mark
from aiserver_tray.features.logs.store.store import LogStore

_BATCH_SECONDS = 0.25
_BATCH_LINES = 750
"""A transaction has the lines of so many seconds, or so many lines."""
_MOST_LINES = 2_000
_MOST_CHARACTERS = 2 << 20
"""What waits to be stored. While there is more, no source is read, and their containers go on."""
_RETRY_SECONDS = (1.0, 5.0, 30.0)
"""Seconds between attempts to store a batch; the last for all later."""

_logger = logging.getLogger(__name__)


class LogWriter:
    """Stores lines in *store*, in its own thread. A batch that can't be stored, as on a full disk,
    is tried again until it can, so no line is dropped. *on_problem* is called with the error, and
    with None when it is over."""

    def __init__(
        self, store: LogStore, on_problem: Callable[[AiServerError | None], object]
    ) -> None:
        self._log_store = store
        self._on_problem = on_problem
        self._changed = Condition()
        self._lines: list[Line] = []
        self._marks: dict[tuple[str, str], Mark] = {}
        self._gaps: list[Gap] = []
        self._characters = 0
        self._begun = 0
        self._stored = 0
        """Numbers of batches that were begun, and stored."""
        self._is_urgent = False
        self._closing = False
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, lines: Sequence[Line], marks: Sequence[Mark], gaps: Sequence[Gap] = ()) -> None:
        """Store *lines* soon, together with *marks* and *gaps*. Waits while too much is waiting;
        does nothing after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or not self._is_full)
            if self._closing:
                return
            was_empty = not self._has_batch
            self._lines += lines
            self._marks.update({(mark.container, mark.stream): mark for mark in marks})
            self._gaps += gaps
            self._characters += sum([len(line.text) for line in lines])
            if was_empty or self._is_due():  # otherwise the thread waits for more
                self._changed.notify_all()

    @property
    def _is_full(self) -> bool:
        return len(self._lines) >= _MOST_LINES or self._characters >= _MOST_CHARACTERS

    @property
    def _has_batch(self) -> bool:
        return bool(self._lines or self._marks or self._gaps)

    def flush(self, seconds: float) -> bool:
        """Wait until all that was put before is stored, at most so many *seconds*. Returns whether
        it is."""
        with self._changed:
            wanted = self._begun + self._has_batch
            self._is_urgent = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stored >= wanted or self._closing, seconds)
            return self._stored >= wanted

    def close(self, seconds: float) -> None:
        """Store what was put before, within so many *seconds*, and stop."""
        self.flush(seconds)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while batch := self._next():
            self._store(*batch)

    def _next(self) -> tuple[list[Line], list[Mark], list[Gap]] | None:
        """The next batch; None after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._has_batch)
            self._changed.wait_for(self._is_due, _BATCH_SECONDS)
            if self._closing:
                return None
            self._is_urgent = False
            batch = self._lines, [*self._marks.values()], self._gaps
            self._lines, self._marks, self._gaps, self._characters = [], {}, [], 0
            self._begun += 1
            self._changed.notify_all()
            return batch

    def _is_due(self) -> bool:
        return self._closing or self._is_urgent or len(self._lines) >= _BATCH_LINES

    def _store(self, lines: list[Line], marks: list[Mark], gaps: list[Gap]) -> None:
        failures = 0
        while (error := self._failure(lines, marks, gaps)) is not None:
            self._on_problem(error)
            pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
            failures += 1
            with self._changed:
                if self._changed.wait_for(lambda: self._closing, pause):
                    return
        if failures:
            self._on_problem(None)
        with self._changed:
            self._stored += 1
            self._changed.notify_all()

    def _failure(
        self, lines: list[Line], marks: list[Mark], gaps: list[Gap]
    ) -> AiServerError | None:
        try:
            self._log_store.add(lines, marks, gaps)
        except AiServerError as error:
            _logger.warning("%s", error)
            return error
        except Exception as bug:  # noqa: BLE001 - later lines may succeed, these never would
            log_bug(_logger, "storing logs failed", bug)
        return None
