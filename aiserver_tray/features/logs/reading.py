"""Channels that read lines: the kept ones, and those that only the engine has."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError, RequestError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.core import Core
from aiserver_tray.features.logs.follow import Matcher, fitting
from aiserver_tray.features.logs.kept import KeptLogs
from aiserver_tray.features.logs.line import Line, LogRecordJson, record
from aiserver_tray.features.logs.origins import (
    POLL_SECONDS,
    Batches,
    EngineLines,
    KeptLines,
    MergedLines,
    Wanted,
    known_services,
)
from aiserver_tray.features.logs.requests import LogFilterForm
from aiserver_tray.features.logs.store.reader import LogReader, Marks
from aiserver_tray.protocol.channel import Name, Part, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer

_MAX_READINGS: Final = 16
"""Maximum readings of one client."""


class LogReadRequest(Payload):
    """Lines to read, the oldest first."""

    reading_id: str = Name
    """the client's own name for the reading; replaces its reading of that name"""
    filter: LogFilterForm
    tail: int | None = Field(default=None, ge=0)
    """of the existing lines only the last ones of each service; all without it"""
    follow: bool = False
    """also the lines that come later, while one of the containers runs"""


class LogReadingId(Payload):
    """A reading of this client."""

    reading_id: str = Name
    """the client's own name for the reading"""


class LogsRead(TypedDict):
    """The next lines of a reading."""

    lines: list[LogRecordJson]
    """none if none came within a moment"""
    notices: list[Text]
    """which logs can't be read, and why; each once"""
    isEnd: bool
    """there are no more lines"""


class Reading:
    """The lines of *batches*, taken as many at once as fit in a message. *close* makes them end
    soon. *notices* gets the reasons why lines can't be read."""

    def __init__(
        self, batches: Batches, close: Callable[[], None], notices: Sequence[Text] = ()
    ) -> None:
        self._batches = batches
        self._close = close
        self._notices = notices
        self._reported = 0
        self._waiting: deque[Line] = deque()
        self._lock = Lock()
        self._is_closed = False

    def next(self) -> Sequence[Line] | None:
        """The next lines; none if none comes within a moment. None: there are no more."""
        with self._lock:
            until = time.monotonic() + POLL_SECONDS
            while not self._waiting and time.monotonic() < until:
                batch = None if self._is_closed else next(self._batches, None)
                if batch is None:
                    return None
                self._waiting += batch
            return [self._waiting.popleft() for _ in range(fitting(self._waiting))]

    def notices(self) -> Sequence[Text]:
        """Why logs can't be read, without those that were returned before."""
        new = self._notices[self._reported :]
        self._reported += len(new)
        return new

    def close(self) -> None:
        """Let `next` find no more lines. Can be called from any thread."""
        self._is_closed = True
        self._close()


class LogReadChannels(Part):
    """``ai/logs/read`` and ``ai/logs/next``. *secrets* are masked in lines of the engine; the kept
    lines of *logs* have none."""

    def __init__(self, core: Core, logs: KeptLogs, secrets: Callable[[], Iterable[str]]) -> None:
        self._core = core
        self._logs = logs
        self._secrets = secrets
        self._lock = Lock()
        self._readings: dict[Peer, dict[str, Reading]] = {}

    def forget(self, peer: Peer) -> None:
        with self._lock:
            readings = self._readings.pop(peer, {})
        for reading in readings.values():
            reading.close()

    @channel("ai/logs/read")
    def _read(self, asked: LogReadRequest, caller: Caller) -> None:
        """Begin to read lines: those that are kept and, if not all are kept, those that only the
        engine has. `ai/logs/next` gets them. It ends with the client."""
        noticed: list[Text] = []

        def notify(text: Text) -> None:
            if text not in noticed:
                noticed.append(text)

        origin = self._origin(asked, notify)
        batches = origin.followed() if asked.follow else origin.existing()
        with self._lock:
            readings = self._readings.setdefault(caller.peer, {})
            before = readings.pop(asked.reading_id, None)
            if len(readings) >= _MAX_READINGS:
                raise RequestError(Text("this client has too many readings"), ["readingId"])
            readings[asked.reading_id] = Reading(batches, origin.close, noticed)
        if before:
            before.close()

    @channel("ai/logs/next")
    def _next(self, asked: LogReadingId, caller: Caller) -> LogsRead:
        """Get the next lines of a reading."""
        with self._lock:
            reading = self._readings.get(caller.peer, {}).get(asked.reading_id)
        if reading is None:
            raise RequestError(Text("there is no such reading"), ["readingId"])
        lines = reading.next()
        shown, notices = [*map(record, lines or ())], [*reading.notices()]
        return {"lines": shown, "notices": notices, "isEnd": lines is None}

    def _origin(
        self, asked: LogReadRequest, notify: Callable[[Text], None]
    ) -> EngineLines | KeptLines | MergedLines:
        reader, core = self._logs.reader, self._core
        is_complete = self._logs.covers(self._modules(asked.filter))
        number, marks, services = self._stored(reader, notify)
        _check_names(asked.filter, services)
        wanted = Wanted(asked.filter.read(), asked.tail)
        Matcher(wanted.filter)  # so that a wrong pattern is refused at once
        if is_complete:
            return KeptLines(reader, self._logs, core.store, wanted, notify)
        core.store.snapshot.engine.check_response()
        secrets = self._secrets()
        engine = EngineLines(core.engine, core.store, wanted, secrets, notify, marks=marks)
        stored = replace(wanted, filter=replace(wanted.filter, numbers=range(number + 1)))
        kept = KeptLines(reader, self._logs, core.store, stored, notify)
        if not number or not kept.has_lines:
            return engine
        notify(Text("Not all lines are kept yet. The others are read from the engine."))
        return MergedLines(kept, engine, wanted.tail)

    def _stored(
        self, reader: LogReader, notify: Callable[[Text], None]
    ) -> tuple[int, Marks, Mapping[str, Collection[str]]]:
        """What `LogReader.marks` returns, and the services that can be asked for. Without kept logs
        that can be read, those are the ones on the engine."""
        snapshot = self._core.store.snapshot
        try:
            return *reader.marks(), known_services(snapshot, reader)
        except AiServerError as error:
            notify(error.text)
            on_engine = {m.name: [s.name for s in m.services] for m in snapshot.modules}
            return 0, {}, on_engine

    def _modules(self, asked: LogFilterForm) -> set[str]:
        """The modules whose lines are wanted."""
        named = {*asked.modules, *(name.partition("/")[0] for name in asked.services)}
        return named or {module.name for module in self._core.store.snapshot.modules}


def _check_names(asked: LogFilterForm, services: Mapping[str, Collection[str]]) -> None:
    """Check that the names in *asked* exist among the *services* of each module.

    Raises:
        UnknownNameError: one does not; names similar ones.
    """
    refuse_unknown(asked.modules, services)
    for name in asked.services:
        module = name.partition("/")[0]
        refuse_unknown([module], services)
        refuse_unknown([name], (f"{module}/{service}" for service in services[module]))
