"""The entries of the journal as log lines."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from aiserver_tray.base.i18n import Language, Text, in_language
from aiserver_tray.base.moments import nanoseconds
from aiserver_tray.core.activity import ACTORS, text_of
from aiserver_tray.core.logs.forms import JOURNAL
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.store.line import Line, Mark
from aiserver_tray.settings.entries import Entry, OperationEntry, RefusedEntry

MODULE: Final = JOURNAL
SERVICE: Final = "journal"
"""The journal as a source of lines. No module has such a name."""

MARK: Final = f"{MODULE}/{SERVICE}"
"""The name of its mark, where others have the ID of a container."""

_MAX_TAKEN = 1000


class JournalLine(NamedTuple):
    """A line for an entry of the journal, or for a later change of it."""

    time: int
    """nanoseconds since 1970"""
    level: Level
    text: Text


def lines_of(entry: Entry, language: Language) -> Iterator[JournalLine]:
    """The lines for *entry* as it is now: an operation has one for its beginning, and one for its
    end."""
    began = nanoseconds(entry.time)
    what = text_of(entry, language)
    if isinstance(entry, RefusedEntry):
        yield JournalLine(nanoseconds(entry.last), "warn", what)
        return
    if entry.actor:
        actor = ACTORS[entry.actor.kind]
        yield JournalLine(began, "info", Text("{what} (by {actor})", what=what, actor=actor))
    else:
        yield JournalLine(began, "info", what)
    if isinstance(entry, OperationEntry) and entry.status != "running":
        ended = nanoseconds(entry.time + timedelta(seconds=entry.seconds or 0))
        # Never at the time of its beginning: the lines are told apart by their times.
        yield _end_of(entry, what, max(ended, began + 1), language)


def _end_of(entry: OperationEntry, what: Text, time: int, language: Language) -> JournalLine:
    seconds = round(entry.seconds or 0, 1)
    if entry.status == "succeeded":
        return JournalLine(
            time, "info", Text("{what}: done after {seconds} s", what=what, seconds=seconds)
        )
    if entry.status == "cancelled":
        return JournalLine(
            time, "warn", Text("{what}: cancelled after {seconds} s", what=what, seconds=seconds)
        )
    reason = in_language(entry.message, language)
    return JournalLine(time, "error", Text("{what}: failed: {reason}", what=what, reason=reason))


class JournalLines:
    """Makes lines of the journal's entries. *mark*: those of an earlier process are stored up to
    this time."""

    def __init__(self, mark: int) -> None:
        self._stored = mark
        self._newest = mark
        self._taken: dict[tuple[str, int], None] = {}
        """Entry and time of the last lines, the oldest first."""

    @property
    def mark(self) -> Mark:
        """The mark to store with the lines."""
        return Mark(MARK, "stdout", self._newest, self._newest)

    def take(self, entries: Iterable[Entry], language: Language) -> list[Line]:
        """The lines for *entries* that were not taken before, by time."""
        found = sorted(
            (line for entry in entries for line in self._new(entry, language)),
            key=lambda line: line.time,
        )
        self._newest = max([self._newest, *(line.time for line in found)])
        return found

    def _new(self, entry: Entry, language: Language) -> Iterator[Line]:
        for time, level, text in lines_of(entry, language):
            key = entry.id, time
            if time > self._stored and key not in self._taken:
                self._taken[key] = None
                if len(self._taken) > _MAX_TAKEN:
                    del self._taken[next(iter(self._taken))]
                message = text.render(language)
                for number, part in enumerate(message.splitlines()):
                    yield Line(time, MODULE, SERVICE, "stdout", level, number > 0, part)
