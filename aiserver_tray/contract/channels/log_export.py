"""Channels that write kept log lines to a file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.log_filter import LogFilterForm
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller
from aiserver_tray.contract.message import Message
from aiserver_tray.core.logs.export import ExportFormat
from aiserver_tray.core.logs.exports import Export, LogExports
from aiserver_tray.core.logs.matcher import Matcher
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.features.logs.events import LOG_EXPORT, LogExportJson
from aiserver_tray.system.open_folder import can_open_folder, open_folder


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
    """``ai/logs/export`` and what belongs to it. *publish* sends an event to all clients."""

    def __init__(self, folder: Path, reader: LogReader, publish: Callable[[Message], None]) -> None:
        self._exports = LogExports(folder, reader)
        self._publish = publish

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
