"""Channels that write kept log lines to a file."""

from typing import Literal, TypedDict

from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.log_filter import LogFilterForm
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.events import LogExportJson

ExportFormat = Literal["text", "jsonl", "csv"]


class LogExportRequest(Payload):
    """The lines to write, the oldest first."""

    filter: LogFilterForm
    format: ExportFormat = "text"
    """`text`: with time and service in front; `jsonl`: an object per line; `csv`: a table"""


class LogExportBegun(TypedDict):
    """An export has begun."""

    exportId: str


class LogExportId(Payload):
    """An export."""

    id: str = Name
    """its `exportId`"""


class LogExports(TypedDict):
    """The exports that run, and those that ended last."""

    exports: list[LogExportJson]


class LogExportChannels(Part):
    """``ai/logs/export`` and what belongs to it."""

    @channel("ai/logs/export")
    def _export(self, asked: LogExportRequest) -> LogExportBegun:  # noqa: ARG002
        """Start to write kept lines to a file. Answers at the beginning; `ai/logs/exportEvent`
        tells the progress. In a browser, the file is then at `exports/NAME` of the page."""
        return {"exportId": ""}

    @channel("ai/logs/exports")
    def _exports(self) -> LogExports:
        """List the exports that run, and those that ended last."""
        return {"exports": []}

    @channel("ai/logs/cancelExport")
    def _cancel(self, asked: LogExportId) -> None:
        """Cancel an export, and delete what it has written."""

    @channel("ai/logs/openExports")
    def _open(self) -> None:
        """Show the folder of the exports in the file manager of the owner's desktop."""
