"""Exports of kept log lines to files, in the background."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread
from typing import BinaryIO, Final, Literal

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, OverloadedError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.logs.export import ENCODERS, SUFFIXES, ExportFormat, head
from aiserver_tray.core.logs.store.filter import LogFilter
from aiserver_tray.core.logs.store.line import Cursor
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.system.files import open_private
from aiserver_tray.system.paths import make_folder

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
    """Exports lines of *reader* to files in *folder*."""

    def __init__(self, folder: Path, reader: LogReader) -> None:
        self.folder = folder
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
                raise OverloadedError(
                    Text("{count} exports are running. Wait for one of them", count=MAX_RUNNING)
                )
            id, cancelled = str(next(self._ids)), Event()
            name = f"logs-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{id}{SUFFIXES[format]}"
            export = self._exports[id] = Export(id, self.folder / name)
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

    # -- in the export's thread -----------------------------------------------------------------

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
        first, end = bounds.first or 0, (bounds.last or 0) + 1
        begin = max(first, self.wanted.since or 0)
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
