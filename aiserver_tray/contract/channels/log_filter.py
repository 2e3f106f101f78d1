"""The part of requests that selects kept log lines."""

from typing import Annotated, Literal

from pydantic import Field

from aiserver_tray.contract.channel import Names, Payload
from aiserver_tray.contract.channels.log_forms import nanoseconds
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.filter import FieldCondition, LogFilter
from aiserver_tray.model import MAX_NAMES

MAX_TEXT = 1000
"""Maximum characters of a text or pattern."""

Seconds = Annotated[float, Field(ge=0, le=9e9, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class LogFilterForm(Payload):
    """Selects kept log lines. A line must meet every condition."""

    modules: Names = ()
    """of these modules; `AI-Server` is the journal. Without `modules` and `services`: of all"""
    services: Names = ()
    """of these services too, as `module/service`"""
    levels: Annotated[tuple[Level, ...], Field(max_length=MAX_NAMES)] = ()
    """of these levels; none: of all"""
    since: Seconds | None = None
    """written then or later: seconds since 1970"""
    until: Seconds | None = None
    """written before that: seconds since 1970"""
    text: Text = ""
    """with this text, in any case"""
    pattern: Text = ""
    """with a match of this regular expression (RE2)"""
    fields: Annotated[tuple[Text, ...], Field(max_length=20)] = ()
    """with these values of fields of JSON or logfmt, such as `status>=500` or `trace_id=abc`; the
    operators are `=`, `!=`, `<`, `<=`, `>` and `>=`"""
    streams: Annotated[tuple[Literal["stdout", "stderr"], ...], Field(max_length=2)] = ()
    """of these outputs; none: of both"""

    def read(self) -> LogFilter:
        """What the store understands.

        Raises:
            LogFilterError: a condition on a field is none.
        """
        return LogFilter(
            modules=self.modules,
            services=tuple(map(_address, self.services)),
            levels=frozenset(self.levels),
            since=None if self.since is None else nanoseconds(self.since),
            until=None if self.until is None else nanoseconds(self.until),
            text=self.text,
            pattern=self.pattern,
            fields=tuple(map(FieldCondition.parse, self.fields)),
            streams=frozenset(self.streams),
        )


def _address(service: str) -> tuple[str, str]:
    module, _, name = service.partition("/")
    return module, name or module
