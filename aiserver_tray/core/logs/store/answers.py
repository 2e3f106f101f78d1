"""Answers of the log store. Each takes at most its time budget: what was found until then, and
`reached`, from where the caller asks on. Nothing is kept between two requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.line import Cursor, Kept


class Page(NamedTuple):
    """Lines in the requested order."""

    lines: Sequence[Kept]
    reached: Cursor | None
    """where to go on: the next `before` or `after`. Every line between the requested cursor and
    this one was examined. None if `is_end`."""
    is_end: bool
    """whether there are no more lines in this direction"""


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
    """the next `before`; the caller joins groups of the same fingerprint. None if all entries were
    read."""


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
