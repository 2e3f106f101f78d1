"""New entries of the journal, of every process of the home."""

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from pydantic import ValidationError

from aiserver_tray.settings.entries import READER, Entry
from aiserver_tray.settings.journal import Journal


class JournalFeed:
    """Calls *on_entry* with each entry that is added to *journal*, or replaced, from now on.
    Entries of this process are reported at once; `check` finds those of others."""

    def __init__(self, journal: Journal, on_entry: Callable[[Entry], None]) -> None:
        self._journal = journal
        self._on_entry = on_entry
        self._lock = Lock()
        self._inode: int | None = None
        self._offset = 0
        """How far the file with that inode was read."""
        self._new_lines()
        journal.on_added = self.check

    def check(self) -> None:
        """Report new entries. Cheap if there are none."""
        with self._lock:
            for line in self._new_lines():
                with suppress(ValidationError):  # damaged, or of a newer version
                    self._on_entry(READER.validate_json(line))

    def close(self) -> None:
        """Report nothing any more."""
        self._journal.on_added = None

    def _new_lines(self) -> list[bytes]:
        """The complete lines since the last call. Of a file that was replaced, because old entries
        were removed, only the last line is new."""
        path = self._journal.path
        try:
            found = path.stat()
            if (found.st_ino, found.st_size) == (self._inode, self._offset):
                return []
            with path.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                file.seek(self._offset if inode == self._inode else 0)
                content = file.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if inode == self._inode:
            self._offset += len(whole)
            return lines
        if self._inode is not None:
            lines = lines[-1:]
        self._inode, self._offset = inode, len(whole)
        return lines
