"""The filter of log lines: one model for the page, the command line and the contract. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, cast, get_args

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.errors import LogFilterError
from aiserver_tray.core.logs.store.line import Line
from aiserver_tray.engine.values import LogStreamName

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
            raise LogFilterError(
                Text(
                    "{text} is not a condition on a field. Write a name, one of {operators} and a "
                    "value, such as status>=500",
                    text=text,
                    operators=" ".join(get_args(Operator)),
                ),
                "fields",
            )
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
        return (self.since is None or self.since <= time) and (
            self.until is None or time < self.until
        )

    def wants(self, line: Line) -> bool:
        """Whether *line* is wanted, but for text, pattern, fields and numbers."""
        return (
            self.wants_source(line.module, line.service)
            and (not self.levels or line.level in self.levels)
            and (not self.streams or line.stream in self.streams)
            and self.wants_time(line.time)
        )
