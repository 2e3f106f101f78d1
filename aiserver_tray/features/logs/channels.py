"""Channels that ask the kept logs. Each answer takes a limited time: `reached` in it is where the
next request goes on. To cancel a search, a client asks no more."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import cast, get_args

from pydantic import Field

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.activity.channels import ActivityFeature
from aiserver_tray.features.doctor.channels import DoctorFeature
from aiserver_tray.features.logs.attach import LogChannels
from aiserver_tray.features.logs.events import KeptLogsJson, KeptModule, LogBounds
from aiserver_tray.features.logs.export import LogExportChannels
from aiserver_tray.features.logs.follow import BATCH_CHARACTERS, LogFollowChannels, fitting
from aiserver_tray.features.logs.kept import KeptLogs
from aiserver_tray.features.logs.line import Cursor, Gap, Kept, Level
from aiserver_tray.features.logs.parser import LineParser
from aiserver_tray.features.logs.query import EVERY_NUMBER, LogFilter, Page
from aiserver_tray.features.logs.reading import LogReadChannels
from aiserver_tray.features.logs.requests import (
    HealthChecks,
    LogAroundRequest,
    LogContext,
    LogCounts,
    LogEntryDetails,
    LogErrors,
    LogErrorsRequest,
    LogHistogram,
    LogHistogramRequest,
    LogLinePlace,
    LogLines,
    LogLinesRequest,
    cursor_of,
    cursor_text,
    error_group,
    gap_json,
    line_json,
    nanoseconds,
    plain_fields,
    seconds,
)
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, Part, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.entries import is_of

_BEGINNING = Cursor(0, 0)
_ENTRY_LINES = 500
"""Maximum lines of an entry before and after one of its lines."""


class KeptLogChannels(Part):
    """``ai/logs/…`` about kept lines. *keeping* tells which new lines are kept."""

    def __init__(self, reader: LogReader, keeping: KeptLogs, checks: HealthChecks) -> None:
        self._reader = reader
        self._keeping = keeping
        self._json = partial(line_json, checks=checks)

    @channel("ai/logs/lines")
    def _lines(self, asked: LogLinesRequest) -> LogLines:
        """Get kept lines, page by page. A page may have fewer lines than asked, or none, before
        the end."""
        wanted = replace(asked.filter.read(), numbers=_numbers(asked))
        page = _fitting(self._page(wanted, asked))
        return {
            "lines": [self._json(kept) for kept in page.lines],
            "reached": cursor_text(page.reached) if page.reached else None,
            "isEnd": page.is_end,
            "gaps": [gap_json(gap) for gap in self._gaps(wanted, asked, page)],
        }

    def _page(self, wanted: LogFilter, asked: LogLinesRequest) -> Page:
        places = [asked.before, asked.after, asked.at]
        if sum(place is not None for place in places) > 1:
            why = Text("only one of before, after and at is possible")
            raise RequestError(why, ["before", "after", "at"])
        if asked.after is not None:
            after = cursor_of(asked.after, "after") if asked.after else _BEGINNING
            return self._reader.newer(wanted, after, asked.limit)
        if asked.at is not None:
            return self._reader.at(wanted, nanoseconds(asked.at), asked.limit)
        return self._reader.older(wanted, _cursor(asked.before, "before"), asked.limit)

    def _gaps(self, wanted: LogFilter, asked: LogLinesRequest, page: Page) -> list[Gap]:
        """The gaps in the time that *page* covers."""
        reached = page.reached.time if page.reached else None
        if asked.after is not None:
            begin = cursor_of(asked.after, "after").time if asked.after else None
            end = reached
        else:
            before = _cursor(asked.before, "before")
            end = before.time if before else None if asked.at is None else nanoseconds(asked.at)
            begin = reached
        return [
            gap
            for gap in (*self._reader.gaps(wanted), *page.damaged)
            if (begin is None or begin <= gap.end) and (end is None or gap.begin <= end)
        ]

    @channel("ai/logs/histogram")
    def _histogram(self, asked: LogHistogramRequest) -> LogHistogram:
        """Count kept lines over time, by level and module."""
        begin, end = nanoseconds(asked.begin), nanoseconds(asked.end)
        if end <= begin:
            raise RequestError(Text("the end is not after the beginning"), ["begin", "end"])
        before = _cursor(asked.from_, "from")
        found = self._reader.histogram(asked.filter.read(), begin, end, asked.buckets, before)
        length = (end - begin) / asked.buckets
        return {
            "buckets": [
                {
                    "begin": seconds(round(begin + number * length)),
                    "end": seconds(round(begin + (number + 1) * length)),
                    **_counts(lines),
                    "entries": _counts(entries),
                }
                for number, (lines, entries) in enumerate(
                    zip(found.buckets, found.entries, strict=True)
                )
            ],
            "byLevel": _counts(found.levels),
            "byModule": dict(found.modules),
            "reached": cursor_text(found.reached) if found.reached else None,
        }

    @channel("ai/logs/around")
    def _around(self, asked: LogAroundRequest) -> LogContext:
        """Get the lines around one of the same service, whatever they say."""
        cursor = cursor_of(asked.cursor, "cursor")
        found = self._reader.around(cursor, asked.before, asked.after)
        before = [kept for kept in found if kept.cursor < cursor][::-1]
        after = [kept for kept in found if kept.cursor >= cursor]
        half = BATCH_CHARACTERS // 2
        lines = [*before[: fitting(before, half)][::-1], *after[: fitting(after, half)]]
        return {"lines": [self._json(kept) for kept in lines]}

    @channel("ai/logs/errors")
    def _errors(self, asked: LogErrorsRequest) -> LogErrors:
        """Group equal entries of level `error`, or of the levels in the filter."""
        found = self._reader.errors(asked.filter.read(), _cursor(asked.from_, "from"))
        return {
            "groups": [error_group(group) for group in found.groups],
            "reached": cursor_text(found.reached) if found.reached else None,
        }

    @channel("ai/logs/bounds")
    def _bounds(self) -> LogBounds:
        """Tell from when to when lines are kept, how many, and which new ones are not."""
        first, last, lines, size = self._reader.bounds()
        policy = self._keeping.policy
        return {
            "first": None if first is None else seconds(first),
            "last": None if last is None else seconds(last),
            "lines": lines,
            "bytes": size,
            "isKept": policy.is_on,
            "notKept": sorted(policy.not_kept),
            "behind": sorted(self._keeping.behind),
        }

    @channel("ai/logs/entry")
    def _entry(self, asked: LogLinePlace) -> LogEntryDetails:
        """Get a line's entry with its message, fields and further lines."""
        cursor = cursor_of(asked.cursor, "cursor")
        entry = _entry_of(cursor, self._reader.around(cursor, _ENTRY_LINES, _ENTRY_LINES))
        parsed = LineParser().parse(entry[0].line.text)
        return {
            "line": self._json(entry[0]),
            "message": parsed.message,
            "fields": plain_fields(parsed.fields),
            "lines": [self._json(kept) for kept in entry[: fitting(entry)]],
        }


class LogDeletion(Payload):
    """The lines of a module."""

    module: str = Field(min_length=1, max_length=200)
    """its name, also of one that is gone; `AI-Server` for the journal"""


class LogKeepingChannels(Part):
    """``ai/logs/kept`` and ``delete``. *claim*: within it, no other process keeps logs."""

    def __init__(self, logs: KeptLogs, claim: Callable[[], AbstractContextManager[object]]) -> None:
        self._logs = logs
        self._claim = claim

    @channel("ai/logs/kept")
    def _kept(self, caller: Caller) -> KeptLogsJson:
        """Get how much of the logs is kept."""
        logs = self._logs
        modules: list[KeptModule] = [
            {
                "module": name,
                "services": [*size.services],
                "lines": size.lines,
                "bytes": size.bytes,
                "first": size.first / 1e9,
            }
            for name, size in sorted(logs.reader.sizes().items())
        ]
        return {
            "modules": modules,
            "bytes": sum(module["bytes"] for module in modules),
            "problem": logs.problem.render(caller.language) if logs.problem else None,
            "recovered": logs.recovery.percent if logs.recovery else None,
            "unreadable": [{"module": c.module, "service": c.service} for c in logs.unreadable],
        }

    @channel("ai/logs/delete")
    def _delete(self, asked: LogDeletion) -> None:
        """Delete the kept lines of a module. Lines that its containers write from now on are
        kept."""
        with self._claim():
            self._logs.delete(asked.module)


class LogsFeature(Feature):
    """What services write: shown, kept, followed, exported and deleted. ``kept``: the kept logs."""

    parts: tuple[
        LogChannels,
        KeptLogChannels,
        LogFollowChannels,
        LogReadChannels,
        LogExportChannels,
        LogKeepingChannels,
    ]

    def __init__(self, place: Place) -> None:
        app, core = place.app, place.core
        self._place = place
        self.kept = KeptLogs(
            app,
            core.engine.containers,
            core.store,
            place.kept_folder,
            lambda entry: is_of(entry, place.engine_ids),
        )
        reader = self.kept.reader
        checks = HealthChecks(lambda: core.store.state.modules)
        self.parts = (
            LogChannels(core),
            KeptLogChannels(reader, self.kept, checks),
            LogFollowChannels(self.kept.observe, reader, checks),
            LogReadChannels(core, self.kept, lambda: app.secrets),
            LogExportChannels(place, reader),
            LogKeepingChannels(self.kept, place.claim),
        )

    def start(self) -> None:
        """Keep the logs of all containers, and the journal, from now on."""
        core = self._place.core
        core.before_removal = self.kept.finish
        core.after_reconnect = self.kept.reconnect
        self._place.feature(ActivityFeature).observe(self.kept.note)
        self._place.feature(DoctorFeature).add(self.kept.findings)
        self.kept.start()

    def close(self) -> None:
        """Store what was read, and keep no more."""
        super().close()
        self.kept.close()


def _fitting(page: Page) -> Page:
    """The part of *page* that fits in one message."""
    number = fitting(page.lines)
    if number == len(page.lines):
        return page
    lines = page.lines[:number]
    return page._replace(lines=lines, reached=lines[-1].cursor, is_end=False)


def _numbers(asked: LogLinesRequest) -> range:
    after = _cursor(asked.kept_after, "keptAfter")
    until = _cursor(asked.kept_until, "keptUntil")
    return range(
        after.number + 1 if after else EVERY_NUMBER.start,
        until.number + 1 if until else EVERY_NUMBER.stop,
    )


def _cursor(text: str | None, field: str) -> Cursor | None:
    return None if text is None else cursor_of(text, field)


def _counts(levels: Mapping[Level, int]) -> LogCounts:
    return cast("LogCounts", {level: levels.get(level, 0) for level in get_args(Level)})


def _entry_of(cursor: Cursor, context: Sequence[Kept]) -> list[Kept]:
    """The entry of the line at *cursor*, out of its *context*. Lines of the service's other output
    may be between its lines.

    Raises:
        RequestError: the line is gone.
    """
    if (line := next((kept.line for kept in context if kept.cursor == cursor), None)) is None:
        raise RequestError(Text("the line is no longer kept"), ["cursor"])
    same = [kept for kept in context if kept.line.stream == line.stream]
    first = last = next(at for at, kept in enumerate(same) if kept.cursor == cursor)
    while first and same[first].line.continues:
        first -= 1
    while last + 1 < len(same) and same[last + 1].line.continues:
        last += 1
    return same[first : last + 1]
