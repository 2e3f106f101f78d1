"""What is remembered of adoptions: a file for each, so that an interrupted one takes back only its
own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aiserver_tray.base.i18n import Language
from aiserver_tray.features.backup.journal import adoption_file
from aiserver_tray.system.files import write_private

if TYPE_CHECKING:
    from aiserver_tray.features.backup.planning import Tools
    from aiserver_tray.settings.unended import BackupJournal


class Record(BaseModel):
    """How an adoption has ended. Times are in seconds since 1970."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str
    """The name of its main container."""
    containers: list[str]
    """The IDs of its containers, in the order in which they stop."""
    kind: Literal["n8n", "dify", "postgres"]
    module: str
    version: str
    """Of the source."""
    engine: str
    ended_at: float
    seconds: float
    still: float
    proven: list[dict[Language, str]] = Field(default_factory=list)
    notices: list[dict[Language, str]] = Field(default_factory=list)
    waiting: dict[str, str | None] = Field(default_factory=dict)
    """The workflows whose triggers are off here, with their published version."""
    state: Literal["beside", "switched"] = "beside"
    stopped: list[str] = Field(default_factory=list)
    """The IDs of the containers that the switch has stopped, in that order."""


@dataclass(frozen=True)
class Records:
    """The records in the home of *tools*; those of adoptions in *journal* are not over."""

    tools: "Tools"
    journal: "BackupJournal"

    def all(self, engine: str) -> Iterator[tuple[str, Record]]:
        """Of the *engine*, with their IDs, the last one first. What can't be read is left out:
        nothing depends on it."""
        unended = self.journal.all.keys()
        found = []
        for path in self._path("").parent.glob("*.json"):
            record = self._read(path)
            if record and record.engine == engine and path.stem not in unended:
                found.append((path.stem, record))
        yield from sorted(found, key=lambda one: -one[1].ended_at)

    def store(self, id: str, record: Record) -> None:
        """Raises OSError: it can't be written."""
        path = self._path(id)
        path.parent.mkdir(exist_ok=True)
        write_private(path, record.model_dump_json(indent=1).encode())

    def drop(self, id: str) -> None:
        self._path(id).unlink(missing_ok=True)

    def _path(self, id: str) -> Path:
        return adoption_file(self.tools, id)

    def _read(self, path: Path) -> Record | None:
        try:
            return Record.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None
