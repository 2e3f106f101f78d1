"""The lines that ``aiserver-tray logs`` shows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import refuse_unknown
from aiserver_tray.core.logs.level import LEVELS, Level, is_at_least

if TYPE_CHECKING:
    from aiserver_tray.core.logs.store.filter import LogFilter


@dataclass(frozen=True)
class LogQuery:
    """The lines of ``names`` (modules, and services as ``module/service``; none: of all) that
    fulfil every condition; of these, the last ``tail`` of each service."""

    names: tuple[str, ...] = ()
    tail: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    level: Level | None = None
    """or above"""
    grep: str = ""
    """a regular expression"""
    fields: tuple[str, ...] = ()

    @property
    def selects_lines(self) -> bool:
        """Whether some lines of a service are not wanted, whenever they were written."""
        return bool(self.level or self.grep or self.fields)

    def check_names(self, services: Mapping[str, Collection[str]]) -> None:
        """Check that the names exist among the *services* of each module.

        Raises:
            UnknownNameError: one does not; names similar ones.
        """
        for name in self.names:
            module = name.partition("/")[0]
            refuse_unknown([module], services)
            if name != module:
                refuse_unknown([name], (f"{module}/{service}" for service in services[module]))

    def as_json(self) -> dict[str, Any]:
        """The filter in a request to the owner."""
        return {
            "modules": [name for name in self.names if "/" not in name],
            "services": [name for name in self.names if "/" in name],
            "levels": list(self._levels()),
            "since": self.since.timestamp() if self.since else None,
            "until": self.until.timestamp() if self.until else None,
            "pattern": self.grep,
            "fields": list(self.fields),
        }

    def filter(self) -> "LogFilter":
        """The filter for lines of the engine.

        Raises:
            LogFilterError: a condition on a field is none.
        """
        from aiserver_tray.base.moments import nanoseconds  # noqa: PLC0415 - only without an owner
        from aiserver_tray.core.logs.store.filter import (  # noqa: PLC0415
            FieldCondition,
            LogFilter,
        )

        return LogFilter(
            levels=frozenset(self._levels()),
            since=nanoseconds(self.since) if self.since else None,
            until=nanoseconds(self.until) if self.until else None,
            pattern=self.grep,
            fields=tuple(map(FieldCondition.parse, self.fields)),
        )

    def _levels(self) -> Iterator[Level]:
        if self.level:
            wanted: tuple[Level, ...] = (*LEVELS, "unknown")
            yield from (level for level in wanted if is_at_least(level, self.level))
