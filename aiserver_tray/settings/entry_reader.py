"""Reads entries of the journal with pydantic: fast for a whole journal, but slow to import."""

from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from aiserver_tray.settings.entries import Entry, RefusedEntry

_READER: Final[TypeAdapter[Entry]] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


def read_entry(line: bytes) -> Entry | None:
    """As `entry_of`."""
    try:
        entry = _READER.validate_json(line)
    except ValidationError:
        return None
    times = [entry.time, *([entry.last] if isinstance(entry, RefusedEntry) else [])]
    return entry if all(time.tzinfo for time in times) else None
