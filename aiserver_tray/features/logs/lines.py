"""Lines on their way into the log store: those of a container, each once, masked and parsed, and
those of the journal."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple, get_args

from aiserver_tray.base.i18n import Language, Text, in_language
from aiserver_tray.base.masking import Masker
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.engine.values import LogLine, LogStreamName
from aiserver_tray.features.activity.activity import text_of
from aiserver_tray.features.activity.events import ACTORS
from aiserver_tray.features.logs.events import JOURNAL
from aiserver_tray.features.logs.line import Gap, Level, Line, Mark
from aiserver_tray.features.logs.parser import LineParser
from aiserver_tray.features.logs.writer import LogWriter
from aiserver_tray.model import Container
from aiserver_tray.settings.entries import AlertEntry, Entry, OperationEntry, RefusedEntry

_CHECK_SECONDS = 0.2
"""Seconds between two checks whether the secrets have changed."""


class CurrentMasker:
    """The `Masker` of *secrets*, made again when *version*, which is cheap to ask for, changes."""

    def __init__(self, secrets: Callable[[], Iterable[str]], version: Callable[[], object]) -> None:
        self._secrets = secrets
        self._version = version
        self._lock = Lock()
        self._known: object = None
        self._checked_at = 0.0
        self._masker = Masker(())

    def __call__(self) -> Masker:
        """The masker. A secret that is new counts within a moment, before a service can use it."""
        with self._lock:
            now = monotonic()
            if now - self._checked_at >= _CHECK_SECONDS:
                version = (self._version(),)
                if version != self._known:
                    self._masker = Masker(self._secrets())
                    self._known = version
                self._checked_at = now
            return self._masker


OVERLAP_NANOSECONDS = 5 * 10**9
"""Read again before the last line. Lines of the other output behind it may be a little older."""


class PositionMark(NamedTuple):
    """How far one output of a container was read, by the engine's times in nanoseconds."""

    last: int
    """time of its last line"""
    newest: int
    """its highest time: the clock may have been set back after that"""


class Position:
    """How far the log of a container was read: the *marks* of its outputs.

    The engine always returns the lines of a log in the same order, and times rise within one
    output. They may go back from one output to the other, and anywhere if the clock is set back. A
    log that was rotated may lack the last line that was read. Then it goes on with the first line
    that is newer than any that was read. *first*: the time of the first line that is wanted.
    """

    def __init__(
        self, marks: Mapping[LogStreamName, PositionMark] | None = None, first: int | None = None
    ) -> None:
        self.marks = dict(marks or {})
        self.missing: list[tuple[int, int]] = []
        """Begin and end of each gap that was found and not taken yet, in nanoseconds."""
        self._first = first
        self._replayed: dict[LogStreamName, PositionMark] = {}
        """Outputs whose lines may have been read before."""
        self._reached: set[LogStreamName] = set()
        """Those of them whose last line has come again."""
        self._is_new = True

    @property
    def since(self) -> int | None:
        """The time from which to read the log on; None: from its beginning."""
        if not self.marks:
            return self._first
        since = max(mark.last for mark in self.marks.values()) - OVERLAP_NANOSECONDS
        return max(since, self._first) if self._first is not None else since

    def reopen(self) -> int | None:
        """Prepare for lines that were read before, and return `since`."""
        if (since := self.since) is not None:
            # No line of the others can come again.
            self._replayed = {n: mark for n, mark in self.marks.items() if mark.newest >= since}
        self._reached = set()
        self._is_new = True
        return since

    def take(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        """Those of *lines*, the next of the log, that were not read before. Moves behind them."""
        new = [line for line in lines if self._takes(line)] if self._replayed else lines
        last: dict[LogStreamName, int] = {}
        newest = {name: mark.newest for name, mark in self.marks.items()}
        for stream, time, _ in new:
            if time is not None:
                last[stream] = time
                if time > newest.get(stream, -1):
                    newest[stream] = time
        for stream, time in last.items():
            self.marks[stream] = PositionMark(time, newest[stream])
        return new

    def _takes(self, line: LogLine) -> bool:
        if line.time is not None:  # otherwise it goes with the line before
            self._is_new = self._is_behind(line.stream, line.time)
        return self._is_new

    def _is_behind(self, stream: LogStreamName, time: int) -> bool:
        if (mark := self._replayed.get(stream)) is None:
            return True
        if time == mark.last:
            self._reached.add(stream)
            return False
        if stream not in self._reached:
            if time <= mark.newest:
                return False
            self.missing.append((mark.last, time))
        del self._replayed[stream]
        return True


_FLUSH_SECONDS = 5.0


class ContainerLines:
    """Masks and parses the lines of *container* from *position* on, and gives them to *writer*."""

    def __init__(
        self,
        container: Container,
        position: Position,
        masker: Callable[[], Masker],
        writer: LogWriter,
    ) -> None:
        self._container = container
        self._masker = masker
        self._writer = writer
        self._position = position
        streams: Sequence[LogStreamName] = get_args(LogStreamName)
        self._parsers = {stream: LineParser(stream) for stream in streams}
        self._time = 0

    def reopen(self) -> int | None:
        """The time from which to read the log on; None: from its beginning."""
        return self._position.reopen()

    @property
    def newest(self) -> int:
        """The highest time of its lines, in nanoseconds since 1970; 0: it has none."""
        return max((mark.newest for mark in self._position.marks.values()), default=0)

    def put(self, lines: Sequence[LogLine]) -> None:
        """Store the new ones of *lines*, the next of the log. Waits while the writer is busy."""
        position = self._position
        new = position.take(lines)
        missing, position.missing = position.missing, []
        if new:
            its = self._container
            marks = [Mark(its.id, stream, *mark) for stream, mark in position.marks.items()]
            gaps = [Gap(its.module, its.service, *gap) for gap in missing]
            self._writer.put(self._parsed(new), marks, gaps)

    def flush(self) -> None:
        """Wait until all lines are stored, unless that takes too long."""
        self._writer.flush(_FLUSH_SECONDS)

    def _parsed(self, lines: Sequence[LogLine]) -> list[Line]:
        module, service, parsers = self._container.module, self._container.service, self._parsers
        texts = self._masker().lines([line.text for line in lines])
        found = []
        for (stream, time, _), text in zip(lines, texts, strict=True):
            if time is not None:  # otherwise it is a part of the line before
                self._time = time
            level, continues, _, _ = parsers[stream].parse(text, self._time)
            found.append(Line(self._time, module, service, stream, level, continues, text))
        return found


MODULE: Final = JOURNAL
SERVICE: Final = "journal"
"""The journal as a source of lines. No module has such a name."""
MARK: Final = f"{MODULE}/{SERVICE}"
"""The name of its mark, where others have the ID of a container."""
_MAX_TAKEN = 1000


class JournalLine(NamedTuple):
    """A line for an entry of the journal, or for a later change of it."""

    time: int
    """nanoseconds since 1970"""
    level: Level
    text: Text


def lines_of(entry: Entry, language: Language) -> Iterator[JournalLine]:
    """The lines for *entry* as it is now: for an operation, its beginning and its end. An alert has
    none: a rule for lines would find it, and so raise the next one."""
    if isinstance(entry, AlertEntry):
        return
    began = nanoseconds(entry.time)
    what = text_of(entry)
    if isinstance(entry, RefusedEntry):
        yield JournalLine(nanoseconds(entry.last), "warn", what)
        return
    if entry.actor:
        actor = ACTORS[entry.actor.kind]
        yield JournalLine(began, "info", Text("{what} (by {actor})", what=what, actor=actor))
    else:
        yield JournalLine(began, "info", what)
    if isinstance(entry, OperationEntry) and entry.status != "running":
        ended = nanoseconds(entry.time + timedelta(seconds=entry.seconds or 0))
        # Never at the time of its beginning: the lines are told apart by their times.
        yield _end_of(entry, what, max(ended, began + 1), language)


def _end_of(entry: OperationEntry, what: Text, time: int, language: Language) -> JournalLine:
    seconds = round(entry.seconds or 0, 1)
    if entry.status == "succeeded":
        text = Text("{what}: done after {seconds} s", what=what, seconds=seconds)
        return JournalLine(time, "info", text)
    if entry.status == "cancelled":
        text = Text("{what}: cancelled after {seconds} s", what=what, seconds=seconds)
        return JournalLine(time, "warn", text)
    reason = in_language(entry.message, language)
    return JournalLine(time, "error", Text("{what}: failed: {reason}", what=what, reason=reason))


class JournalLines:
    """Makes lines of the journal's entries. *mark*: the time up to which they are stored."""

    def __init__(self, mark: int) -> None:
        self._stored = self._newest = mark
        self._taken: dict[tuple[str, int], None] = {}
        """Entry and time of the last lines, the oldest first."""

    @property
    def mark(self) -> Mark:
        """The mark to store with the lines."""
        return Mark(MARK, "stdout", self._newest, self._newest)

    def take(self, entries: Iterable[Entry], language: Language) -> list[Line]:
        """The lines for *entries* that were not taken before, by time."""
        new = (line for entry in entries for line in self._new(entry, language))
        found = sorted(new, key=lambda line: line.time)
        self._newest = max([self._newest, *(line.time for line in found)])
        return found

    def _new(self, entry: Entry, language: Language) -> Iterator[Line]:
        for time, level, text in lines_of(entry, language):
            key = entry.id, time
            if time > self._stored and key not in self._taken:
                self._taken[key] = None
                if len(self._taken) > _MAX_TAKEN:
                    del self._taken[next(iter(self._taken))]
                message = text.render(language)
                for number, part in enumerate(message.splitlines()):
                    yield Line(time, MODULE, SERVICE, "stdout", level, number > 0, part)
