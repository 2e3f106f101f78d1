"""Log lines as ``logs --json`` prints them, and as exports have them."""

from typing import Literal, TypedDict

from aiserver_tray.base.moments import rfc3339
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.line import Line


class LogRecordJson(TypedDict):
    """A line of a log."""

    time: str
    """time of writing, with nanoseconds"""
    module: str
    service: str
    """the service's name in the Compose file"""
    stream: Literal["stdout", "stderr"]
    level: Level
    """from the line's own structure, or of the entry that the line continues"""
    continues: bool
    """whether it belongs to the service's entry above it, as a line of a stack trace does"""
    message: str
    """the line"""


def record(line: Line) -> LogRecordJson:
    """*line* for JSON."""
    return {
        "time": rfc3339(line.time),
        "module": line.module,
        "service": line.service,
        "stream": line.stream,
        "level": line.level,
        "continues": line.continues,
        "message": line.text,
    }
