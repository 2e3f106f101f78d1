"""Operations on the time axis, from the journal."""

from threading import Lock

from aiserver_tray.core.stats.history import Span
from aiserver_tray.settings.entries import Entry, OperationEntry
from aiserver_tray.settings.journal import Journal, Range


class OperationMarks:
    """The operations in *journal*, which is only read again when its file has changed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._stamp: tuple[int, int] | None = None
        self._entries: tuple[OperationEntry, ...] = ()

    def between(self, span: Span, module: str | None) -> list[OperationEntry]:
        """Those that began in *span*, of *module* or of all, in order.

        Raises:
            SettingError: the journal can't be read.
        """
        return [
            entry
            for entry in self._all()
            if span.begin <= entry.time.timestamp() < span.end
            and (module is None or module in entry.modules)
        ]

    def _all(self) -> tuple[OperationEntry, ...]:
        with self._lock:
            stamp = self._current_stamp()
            if stamp is None or stamp != self._stamp:
                found = self._journal.read(Range(kinds=frozenset({"operation"})))
                self._entries = tuple(map(_short, _operations(found)))
                self._stamp = stamp
            return self._entries

    def _current_stamp(self) -> tuple[int, int] | None:
        try:
            found = self._journal.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size


def _operations(entries: list[Entry]) -> list[OperationEntry]:
    return [entry for entry in reversed(entries) if isinstance(entry, OperationEntry)]


def _short(entry: OperationEntry) -> OperationEntry:
    """Without its steps, which nobody needs here."""
    return entry.model_copy(update={"steps": ()})
