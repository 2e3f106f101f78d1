"""Exports of kept log lines to files, in the background."""

import csv
import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread
from typing import BinaryIO, Final, Literal, TypedDict

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, OverloadedError, SettingError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import SGR, rfc3339
from aiserver_tray.features.logs.events import LOG_EXPORT, LogExportJson
from aiserver_tray.features.logs.follow import Matcher
from aiserver_tray.features.logs.line import Cursor, Line, record
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.requests import LogFilterForm
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Name, Part, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.system.desktop import can_open_folder, open_folder
from aiserver_tray.system.files import open_private
from aiserver_tray.system.paths import make_folder

ExportFormat = Literal["text", "jsonl", "csv"]

SUFFIXES: Final[Mapping[ExportFormat, str]] = {"text": ".log", "jsonl": ".jsonl", "csv": ".csv"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The beginnings of cells that spreadsheets take for formulas
(https://owasp.org/www-community/attacks/CSV_Injection)."""

Encode = Callable[[Iterable[Line]], bytes]


def head(format: ExportFormat) -> bytes:
    """What is in front of all lines."""
    if format != "csv":
        return b""
    # Without a byte order mark, Excel expects another encoding.
    columns = ("time", "module", "service", "stream", "level", "message")
    return b"\xef\xbb\xbf" + _rows([columns])


def text(lines: Iterable[Line]) -> bytes:
    """*lines* for people, with time and service in front, without colours."""
    return "".join(
        f"{rfc3339(line.time)} {_name(line)} | {SGR.sub('', line.text)}\n" for line in lines
    ).encode()


def jsonl(lines: Iterable[Line]) -> bytes:
    """*lines* as one JSON object each."""
    return "".join(json.dumps(record(line), ensure_ascii=False) + "\n" for line in lines).encode(
        errors="backslashreplace"
    )


def table(lines: Iterable[Line]) -> bytes:
    """*lines* as rows of a table, without colours. What looks like a formula gets an apostrophe."""
    return _rows(
        (rfc3339(time), module, service, stream, level, _cell(SGR.sub("", text)))
        for time, module, service, stream, level, _, text in lines
    )


ENCODERS: Final[Mapping[ExportFormat, Encode]] = {"text": text, "jsonl": jsonl, "csv": table}


def _name(line: Line) -> str:
    return line.module if line.module == line.service else f"{line.module}/{line.service}"


def _cell(message: str) -> str:
    return f"'{message}" if message.startswith(_FORMULA) else message


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    content = io.StringIO(newline="")
    csv.writer(content).writerows(rows)
    return content.getvalue().encode()


MAX_RUNNING: Final = 2
"""Maximum exports at the same time."""
MAX_FILES: Final = 5
"""Exported files that are kept, the newest."""
_PAGE_LINES = 2000
_REPORT_SECONDS = 0.25
_PART = ".part"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """An export as it is now. ``file``: where it is when it is complete."""

    id: str
    file: Path
    status: Literal["running", "succeeded", "failed", "cancelled"] = "running"
    lines: int = 0
    percent: float = 0.0
    size: int = 0
    error: AiServerError | None = None


OnChange = Callable[[Export], None]


class LogExports:
    """Exports lines of *reader* to files in *folder*; *label* is a part of their names."""

    def __init__(
        self, folder: Path, reader: LogReader, label: Callable[[], str] = lambda: ""
    ) -> None:
        self.folder = folder
        self._label = label
        self._reader = reader
        self._ids = count(1)
        self._lock = Lock()
        self._exports: dict[str, Export] = {}
        self._cancelled: dict[str, Event] = {}
        """Of the exports that run."""

    @property
    def all(self) -> list[Export]:
        """The exports that run, and those that ended last; the oldest first."""
        with self._lock:
            return list(self._exports.values())

    def begin(self, wanted: LogFilter, format: ExportFormat, on_change: OnChange) -> Export:
        """Begin to write the lines that *wanted* accepts. *on_change* is called with each change.

        Raises:
            OverloadedError: too many exports are running.
        """
        with self._lock:
            if len(self._cancelled) >= MAX_RUNNING:
                why = Text("{count} exports are running. Wait for one of them", count=MAX_RUNNING)
                raise OverloadedError(why)
            id, cancelled = str(next(self._ids)), Event()
            name = f"logs-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{id}{self._label()}"
            export = self._exports[id] = Export(id, self.folder / f"{name}{SUFFIXES[format]}")
            self._cancelled[id] = cancelled
        writing = _Writing(self._reader, wanted, format, cancelled)
        work = (export, writing, on_change)
        Thread(target=self._run, args=work, name="log-export", daemon=True).start()
        return export

    def cancel(self, id: str) -> None:
        """Cancel an export; nothing happens if it has ended."""
        with self._lock:
            cancelled = self._cancelled.get(id)
        if cancelled:
            cancelled.set()

    def close(self) -> None:
        """Cancel all exports. Does not wait."""
        for id in list(self._cancelled):
            self.cancel(id)

    def _run(self, export: Export, writing: "_Writing", on_change: OnChange) -> None:
        def report(now: Export) -> None:
            with self._lock:
                self._exports[now.id] = now
            on_change(now)

        try:
            make_folder(self.folder)
            self._remove_old()
            ended = writing.run(export, report)
        except OSError as error:
            why = Text("can't write it ({reason}). Check its folder", reason=error)
            ended = replace(export, status="failed", error=SettingError(str(export.file), why))
        except AiServerError as error:
            ended = replace(export, status="failed", error=error)
        except Exception as bug:  # noqa: BLE001 - the client is told in any case
            log_bug(_logger, "an export of logs failed", bug)
            ended = replace(export, status="failed", error=bug_error(bug))
        with self._lock:
            del self._cancelled[export.id]
            for id in [id for id in self._exports if id not in self._cancelled][:-MAX_FILES]:
                del self._exports[id]
        report(ended)

    def _remove_old(self) -> None:
        """Remove all but the newest files, to which one is added, and what killed exports left."""
        with self._lock:
            running = {self._exports[id].file.name + _PART for id in self._cancelled}
        files = sorted(self.folder.glob("logs-*"), key=lambda file: file.stat().st_mtime)
        parts = [file for file in files if file.suffix == _PART]
        done = [file for file in files if file.suffix != _PART]
        for file in (*done[: 1 - MAX_FILES], *(p for p in parts if p.name not in running)):
            with suppress(OSError):  # on Windows, a program has it open
                file.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Writing:
    """Writes the lines that *wanted* accepts, until *cancelled*."""

    reader: LogReader
    wanted: LogFilter
    format: ExportFormat
    cancelled: Event

    def run(self, export: Export, report: OnChange) -> Export:
        """Write the file. Returns the export as it ended.

        Raises:
            OSError, AiServerError: the file can't be written, or the logs can't be read.
        """
        part = export.file.with_name(export.file.name + _PART)
        try:
            with open_private(part) as file:
                export = self._write(file, export, report)
            if self.cancelled.is_set():
                return replace(export, status="cancelled")
            part.replace(export.file)
            return replace(export, status="succeeded", percent=100.0)
        finally:
            part.unlink(missing_ok=True)

    def _write(self, file: BinaryIO, export: Export, report: OnChange) -> Export:
        bounds = self.reader.bounds()
        begin, end = max(bounds.first or 0, self.wanted.since or 0), (bounds.last or 0) + 1
        # Lines that come meanwhile would make it endless.
        end = end if self.wanted.until is None else min(end, self.wanted.until)
        wanted, encode = replace(self.wanted, until=end), ENCODERS[self.format]
        # Equal parts of the time may have very different numbers of lines.
        whole = max(1, self.reader.lines_between(begin, end))
        file.write(head(self.format))
        after: Cursor | None = Cursor(0, 0)
        reported = time.monotonic()
        while after and not self.cancelled.is_set():
            page = self.reader.newer(wanted, after, _PAGE_LINES)
            file.write(encode(kept.line for kept in page.lines))
            after = None if page.is_end else page.reached
            export = replace(export, lines=export.lines + len(page.lines), size=file.tell())
            if after and time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                done = self.reader.lines_between(begin, after.time)
                report(replace(export, percent=round(100 * min(1.0, done / whole), 1)))
        return export


class LogExportRequest(Payload):
    """The lines to write, the oldest first."""

    filter: LogFilterForm
    format: ExportFormat = "text"
    """`text`: with time and service in front; `jsonl`: the form of `logs --json`; `csv`: a table"""


class LogExportBegun(TypedDict):
    """An export has begun."""

    exportId: str


class LogExportId(Payload):
    """An export."""

    id: str = Name
    """its `exportId`"""


class LogExportList(TypedDict):
    """The exports that run, and those that ended last; the oldest first."""

    exports: list[LogExportJson]


class LogExportChannels(Part):
    """``ai/logs/export`` and what belongs to it."""

    def __init__(self, place: Place, reader: LogReader) -> None:
        app = place.app
        folder = app.home.folder / "exports"
        self._exports = LogExports(folder, reader, lambda: app.engine_label)
        self._publish = place.publish

    def close(self) -> None:
        """Cancel all exports."""
        self._exports.close()

    @channel("ai/logs/export")
    def _export(self, asked: LogExportRequest, caller: Caller) -> LogExportBegun:
        """Start to write kept lines to a file. Answers at the beginning; `ai/logs/exportEvent`
        tells the progress. In a browser, the complete file is at `exports/NAME` of the page."""

        def report(export: Export) -> None:
            self._publish(LOG_EXPORT.message(_as_json(export, caller.language)))

        wanted = asked.filter.read()
        Matcher(wanted)  # so that a wrong pattern is refused at once
        export = self._exports.begin(wanted, asked.format, report)
        return {"exportId": export.id}

    @channel("ai/logs/exports")
    def _list(self, caller: Caller) -> LogExportList:
        """List the exports that run, and those that ended last."""
        return {"exports": [_as_json(export, caller.language) for export in self._exports.all]}

    @channel("ai/logs/cancelExport")
    def _cancel(self, asked: LogExportId) -> None:
        """Cancel an export, and delete what it has written."""
        self._exports.cancel(asked.id)

    @channel("ai/logs/openExports")
    def _open(self) -> None:
        """Show the folder of the exports in the file manager of the owner's desktop."""
        open_folder(self._exports.folder)


def _as_json(export: Export, language: Language) -> LogExportJson:
    error = export.error
    return {
        "exportId": export.id,
        "status": export.status,
        "lines": export.lines,
        "percent": export.percent,
        "file": str(export.file) if export.status == "succeeded" else None,
        "name": export.file.name,
        "size": export.size,
        "canOpen": can_open_folder(),
        "code": error.code if error else None,
        "message": error.render(language) if error else "",
    }
