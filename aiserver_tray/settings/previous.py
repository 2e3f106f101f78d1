"""The values before the last change of each module's settings, so that it can be undone."""

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.i18n import Text
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.secrets import Secrets

KEPT_SECONDS: Final = 24 * 3600.0

_PREFIX = "previous:"
"""Of the names by which former secrets are stored beside the current ones."""


@dataclass(frozen=True)
class Previous:
    """The former values of a module's settings by address, secrets in plain text. None: the setting
    was not set. ``time``: of the change."""

    time: datetime
    values: Mapping[str, str | None]


class _Record(BaseModel):
    """``values``: None also stands for a secret; its value is among the secrets."""

    model_config = ConfigDict(extra="forbid", strict=True)

    time: float
    values: dict[str, str | None]


class PreviousData(SealedModel):
    """previous.json: by module."""

    version: Literal[1] = 1
    modules: dict[str, _Record] = Field(default_factory=dict)


class PreviousValues:
    """Keeps the former values in the file *path*, and the former secrets among *secrets*."""

    def __init__(self, path: Path, secrets: Secrets, notices: list[Text]) -> None:
        self._file = VersionedFile(path, PreviousData, notices)
        self._secrets = secrets

    def of(self, module: str) -> Previous | None:
        """The values before the last change of *module*; None after a day."""
        record = self._file.read().modules.get(module)
        if record is None or _is_old(record):
            return None
        names = {_PREFIX + address: address for address in record.values}
        secrets = {names[n]: value for n, value in self._secrets.values(names).items()}
        return Previous(datetime.fromtimestamp(record.time, UTC), {**record.values, **secrets})

    def remember(
        self, module: str, before: Mapping[str, str | None], secret: Container[str]
    ) -> None:
        """Keep *before*, the values of *module* that are about to change; addresses in *secret* are
        secrets."""
        self.forget(module)
        if kept := {_PREFIX + a: v for a, v in before.items() if a in secret and v is not None}:
            self._secrets.change(kept, ())
        values = {a: None if a in secret else value for a, value in before.items()}
        with self._file.update() as data:
            data.modules[module] = _Record(time=time.time(), values=values)

    def forget(self, module: str) -> None:
        """Drop the former values of *module*, and all that are too old."""
        with self._file.update() as data:
            old = {n: r for n, r in data.modules.items() if n == module or _is_old(r)}
            data.modules = {n: r for n, r in data.modules.items() if n not in old}
        names = {_PREFIX + address for record in old.values() for address in record.values}
        if gone := names & self._secrets.names():
            self._secrets.change(dict.fromkeys(gone), ())


def _is_old(record: _Record) -> bool:
    return not 0 <= time.time() - record.time <= KEPT_SECONDS
