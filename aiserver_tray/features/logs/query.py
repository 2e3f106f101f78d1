"""The filter of log lines, one model for the page, the command line and the contract; and the
answers of the log store. Pure.

An answer takes at most its time budget: it has what was found until then, and `reached`, from where
the caller asks on. Nothing is kept between two requests.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, cast, get_args

from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Level, Line
from aiserver_tray.features.logs.store.database import LogFilterError

EVERY_NUMBER = range(1 << 62)

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

_CONDITION = re.compile(
    rf"([^\s=!<>]+)\s*({'|'.join(sorted(get_args(Operator), key=len, reverse=True))})\s*(?!=)(.+)"
)


class FieldCondition(NamedTuple):
    """A condition on one field of JSON and logfmt lines. Numbers are compared as numbers."""

    name: str
    """nested names with dots"""
    operator: Operator
    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `status>=500`.

        Raises:
            LogFilterError: it is none.
        """
        if not (found := _CONDITION.fullmatch(text.strip())):
            why = Text(
                "{text} is not a condition on a field. Write a name, one of {operators} and a "
                "value, such as status>=500",
                text=text,
                operators=" ".join(get_args(Operator)),
            )
            raise LogFilterError(why, "fields")
        return cls(found[1], cast(Operator, found[2]), found[3])


@dataclass(frozen=True)
class LogFilter:
    """The wanted lines. Empty parts accept every line."""

    modules: tuple[str, ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    """(module, service), besides those of the modules"""
    levels: frozenset[Level] = frozenset()
    since: int | None = None
    """nanoseconds since 1970; lines of this time are wanted"""
    until: int | None = None
    """lines of this time are not wanted"""
    text: str = ""
    """a literal, in any case"""
    pattern: str = ""
    """a regular expression of RE2"""
    fields: tuple[FieldCondition, ...] = ()
    streams: frozenset[LogStreamName] = frozenset()
    numbers: range = EVERY_NUMBER
    """of cursors, so which lines were stored when"""

    def wants_source(self, module: str, service: str) -> bool:
        """Whether lines of this service are wanted."""
        return (
            not (self.modules or self.services)
            or module in self.modules
            or (module, service) in self.services
        )

    def wants_time(self, time: int) -> bool:
        """Whether lines of this time are wanted."""
        is_late_enough = self.since is None or self.since <= time
        return is_late_enough and (self.until is None or time < self.until)

    def wants(self, line: Line) -> bool:
        """Whether *line* is wanted, but for text, pattern, fields and numbers."""
        return (
            self.wants_source(line.module, line.service)
            and (not self.levels or line.level in self.levels)
            and (not self.streams or line.stream in self.streams)
            and self.wants_time(line.time)
        )


class Page(NamedTuple):
    """Lines in the requested order."""

    lines: Sequence[Kept]
    reached: Cursor | None
    """where to go on: the next `before` or `after`. Every line between the requested cursor and
    this one was examined. None if `is_end`."""
    is_end: bool
    """whether there are no more lines in this direction"""
    damaged: Sequence[Gap]
    """where wanted lines can't be read, because the file is damaged"""


class Counts(NamedTuple):
    """Lines by time, newest counted first."""

    buckets: Sequence[Mapping[Level, int]]
    """by level, for each part of the requested time; parts before `reached` may be incomplete"""
    entries: Sequence[Mapping[Level, int]]
    """the same without the lines that continue an entry"""
    levels: Mapping[Level, int]
    modules: Mapping[str, int]
    reached: Cursor | None
    """the next `before`; the caller adds up the answers. None if all lines were counted."""


@dataclass(frozen=True)
class ErrorGroup:
    """Entries of one service that are equal but for numbers, IDs, times and quoted text."""

    fingerprint: str
    message: str
    """of the newest entry"""
    level: Level
    module: str
    service: str
    count: int
    first: int
    last: int
    newest: Kept


class ErrorGroups(NamedTuple):
    """Groups, the newest first."""

    groups: Sequence[ErrorGroup]
    reached: Cursor | None
    """the next `before`; the caller joins groups of one fingerprint. None if all was read."""


class Bounds(NamedTuple):
    """What the store holds."""

    first: int | None
    """time of the oldest line; None without lines"""
    last: int | None
    lines: int
    bytes: int
    """size of the file"""


class ModuleSize(NamedTuple):
    """What the store holds of a module, approximately."""

    services: Sequence[str]
    lines: int
    bytes: int
    first: int
    """time of the oldest line"""
