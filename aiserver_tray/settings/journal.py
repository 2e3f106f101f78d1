"""The journal of a home: one line of JSON for each event, in a file of limited age and size.

Every process of the home appends to it, under a file lock. Readers take no lock: the file is
replaced as a whole, and a line that is not complete is ignored. Such a line, of a killed process or
a full disk, is removed by the next writer.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from filelock import FileLock, Timeout

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.settings.entries import Entry, EntryKind, entry_of, line_of
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import make_folder

KEPT: Final = timedelta(days=90)
MAX_BYTES: Final = 4 * 2**20
"""Maximum size of the file. If it is exceeded, the older half is removed."""
_PRUNE_INTERVAL = timedelta(days=1)
"""Extra age of the first entry before the file is rewritten, so that this is rare. Readers never
see entries that are too old."""
_LOCK_SECONDS = 2.0
"""Seconds to wait for the lock. An operation must not wait for a writer that hangs."""
_TIME = re.compile(rb'\{"time":"([^"]+)"')
_HEAD_BYTES = 100

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Range:
    """Selects entries. None: no limit."""

    since: datetime | None = None
    until: datetime | None = None
    kinds: frozenset[EntryKind] | None = None
    id: str | None = None
    limit: int | None = None

    def has(self, entry: Entry) -> bool:
        """Whether *entry* is in it, apart from the limit."""
        return not (
            (self.since and entry.time < self.since)
            or (self.until and entry.time > self.until)
            or (self.kinds is not None and entry.kind not in self.kinds)
            or (self.id is not None and entry.id != self.id)
        )


class Journal:
    """The journal in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self._is_reported = False
        self.on_added: Callable[[], None] | None = None
        """Called after this process has added an entry."""

    def add(self, entry: Entry) -> None:
        """Write *entry*. A failure is logged once: nothing that is journalled may fail by it."""
        try:
            self._write(line_of(entry))
        except (OSError, Timeout, SettingError, ValueError) as error:
            if not self._is_reported:
                _logger.warning("the journal can't be written: %s", error)
            self._is_reported = True
        else:
            self._is_reported = False
            if self.on_added:
                self.on_added()

    def read(self, selected: Range = Range()) -> list[Entry]:
        """The *selected* entries, the newest first.

        Raises:
            SettingError: the file can't be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            why = Text(
                "it can't be read or written ({reason}). Check its folder and the free disk space",
                reason=error.strerror or error,
            )
            raise SettingError(str(self.path), why) from error
        found = [entry for _, entry in _latest(content) if selected.has(entry)]
        found.sort(key=lambda entry: entry.time, reverse=True)
        return found[: selected.limit]

    def _write(self, line: bytes) -> None:
        make_folder(self.path.parent)
        with FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS, mode=0o600):
            with open(self.path, "a+b", buffering=0, opener=_private) as file:
                _append(file, line)
                is_full = file.tell() > MAX_BYTES or _is_old(file)
            if is_full:  # now that it is closed: Windows replaces no open file
                write_private(self.path, _pruned(self.path.read_bytes()))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _append(file: IO[bytes], line: bytes) -> None:
    """Append *line* as a whole or not at all."""
    size = _complete_size(file)
    file.truncate(size)
    try:
        if file.write(line) < len(line):
            raise OSError("the disk is full")
    except OSError:
        file.truncate(size)
        raise


def _complete_size(file: IO[bytes]) -> int:
    """The size of *file* without a line that is not complete."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return 0
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return size
    file.seek(0)
    return file.read().rfind(b"\n") + 1


def _is_old(file: IO[bytes]) -> bool:
    """Whether the first entry should be pruned."""
    file.seek(0)
    found = _TIME.match(file.read(_HEAD_BYTES))
    try:
        first = datetime.fromisoformat(found[1].decode()) if found else None
        return first is not None and datetime.now(UTC) - first > KEPT + _PRUNE_INTERVAL
    except (ValueError, TypeError):  # no time, or one without a zone: damaged
        return True


def _latest(content: bytes) -> Iterator[tuple[bytes, Entry]]:
    """The latest line of each entry in *content* that is not too old, the last one first."""
    oldest = datetime.now(UTC) - KEPT
    known: set[str] = set()
    for line in reversed(content[: content.rfind(b"\n") + 1].splitlines()):
        entry = entry_of(line)
        if entry and entry.id not in known:
            known.add(entry.id)
            if entry.time >= oldest:
                yield line, entry


def _pruned(content: bytes) -> bytes:
    """The newest entries of *content*, as far as half of the maximum size."""
    kept: list[bytes] = []
    size = 0
    for line, _ in _latest(content):
        size += len(line) + 1
        if size > MAX_BYTES // 2:
            break
        kept.append(line + b"\n")
    return b"".join(reversed(kept))
