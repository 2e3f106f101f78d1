"""Errors of the log store."""

from pathlib import Path

from aiserver_tray.base.errors import AiServerError, ResourcesError
from aiserver_tray.base.i18n import Text


class LogStoreError(AiServerError):
    """The file can't be read or written."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            Text("Can't use the kept logs in {path}: {reason}", path=str(path), reason=str(reason))
        )


class LogStoreFullError(ResourcesError):
    """The disk is full, so the lines were not stored."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            Text(
                "Can't keep logs, because the disk of {path} is full. Free some space, for example "
                "by deleting kept logs in the settings.",
                path=str(path),
            )
        )


class LogFilterError(AiServerError):
    """A pattern or a field condition of a filter is wrong; ``at``: the position in the pattern."""

    code = "E_REQUEST"

    def __init__(self, why: Text, field: str, at: int | None = None) -> None:
        super().__init__(why, fields=[field], at=at)
