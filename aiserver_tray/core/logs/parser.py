"""Reading the log lines of a service: levels, messages, fields, and which lines belong together."""

from collections.abc import Mapping
from typing import NamedTuple

from aiserver_tray.core.logs import traces
from aiserver_tray.core.logs.colour import SGR
from aiserver_tray.core.logs.entry import NO_FIELDS, Entry
from aiserver_tray.core.logs.formats import FORMATS, Format
from aiserver_tray.core.logs.level import Level

_FORMATS_OF: Mapping[str, tuple[Format, ...]] = {
    character: tuple(known for known in FORMATS if character in known.begins)
    for character in {character for known in FORMATS for character in known.begins}
}


_PAUSE_NS = 10**9
"""A trace that begins so long after the line above is an error of its own."""


class Parsed(NamedTuple):
    """What is known of a line."""

    level: Level
    """from the line's structure; a line that continues an entry has the entry's level"""
    continues: bool
    """whether it belongs to the entry above, as the lines of a stack trace do"""
    message: str
    fields: Mapping[str, object]
    """of JSON and logfmt"""


class LineParser:
    """Parses the lines of one output of one service, in order. Services rarely change their format,
    so the last one is tried first."""

    def __init__(self) -> None:
        self._format: Format | None = None
        self._level: Level | None = None
        """The level of the entry above; None before the first one."""
        self._may_have_trace = False
        """Whether the entry above is a warning or an error of a logger, and no trace followed."""
        self._in_trace = False
        """Whether the line above is part of a trace that has lines without an indent."""
        self._was_frame = False
        """Whether the line above is one after which such a line comes."""
        self._time = 0

    def parse(self, text: str, time: int | None = None) -> Parsed:
        """Parse the next line, which was written at *time* (nanoseconds), if that is known."""
        if time is not None:
            if time - self._time > _PAUSE_NS:
                self._may_have_trace = self._in_trace = False
            self._time = time
        line = SGR.sub("", text) if "\x1b" in text else text
        entry = self._read(line)
        if entry and entry.level:
            self._level = entry.level
            self._may_have_trace = entry.level in {"warn", "error"}
            self._in_trace = False
            return Parsed(entry.level, continues=False, message=entry.message, fields=entry.fields)
        if entry:
            return Parsed(
                self._level or "unknown", continues=True, message=entry.message, fields=entry.fields
            )
        if self._level and self._continues(line):
            return Parsed(self._level, continues=True, message=line, fields=NO_FIELDS)
        self._level = "error" if traces.HEAD.match(line) else "unknown"
        self._enter(line)
        return Parsed(self._level, continues=False, message=line, fields=NO_FIELDS)

    def _read(self, line: str) -> Entry | None:
        """What the line's format says; None if it has no known format."""
        begin = line[:1]
        last = self._format
        if last and begin in last.begins and (entry := last.read(line)):
            return entry
        for known in _FORMATS_OF.get(begin, ()):
            if known is not last and (entry := known.read(line)):
                self._format = known
                return entry
        return None

    def _continues(self, line: str) -> bool:
        """Whether *line*, which has no known format, belongs to the entry above."""
        if not line or line[0] in " \t":
            self._was_frame = bool(line)
            return True
        if traces.INNER.match(line) or self._begins_trace_of_entry(line):
            self._enter(line)
            return True
        if self._in_trace and self._was_frame:
            self._in_trace = bool(traces.GO_FUNCTION.match(line))
            return True
        return False

    def _begins_trace_of_entry(self, line: str) -> bool:
        if self._may_have_trace:  # zap's have no first line
            return bool(traces.HEAD.match(line) or traces.GO_FUNCTION.match(line))
        return self._in_trace and bool(traces.HEAD.match(line))

    def _enter(self, line: str) -> None:
        """Take *line* as one that can begin a trace."""
        self._may_have_trace = False
        self._in_trace = self._was_frame = bool(
            traces.FRAMES.match(line) or traces.GO_FUNCTION.match(line)
        )
