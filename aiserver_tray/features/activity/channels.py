"""The journal: its entries for clients, and the refused clients in it."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated, Final, TypedDict

from pydantic import AfterValidator, Field

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.activity.activity import Activity, activity_of, without_steps
from aiserver_tray.features.activity.events import ACTIVITY
from aiserver_tray.features.place import Place
from aiserver_tray.model import MAX_NAMES, Carrier
from aiserver_tray.protocol.channel import Feature, Payload, channel
from aiserver_tray.settings.entries import (
    Entry,
    EntryKind,
    RefusedEntry,
    entry_of,
    in_all_languages,
)
from aiserver_tray.settings.journal import Journal, Range


def _with_zone(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("it has no time zone")
    return time


Time = Annotated[datetime, AfterValidator(_with_zone)]


class ActivityRange(Payload):
    """Selects activities, the newest first."""

    since: Time | None = None
    """none that began before; ISO 8601 with a time zone"""
    until: Time | None = None
    """none that began after; ISO 8601 with a time zone"""
    kinds: Annotated[frozenset[EntryKind], Field(max_length=MAX_NAMES)] | None = None
    """only of these kinds"""
    id: str | None = None
    """only this one"""
    limit: int = Field(default=100, ge=1, le=1000)
    """at most so many"""
    steps: bool = False
    """with the steps of operations; without it, the lists of steps are empty"""


class ActivityList(TypedDict):
    """Activities, the newest first."""

    activities: list[Activity]


class ActivityFeature(Feature):
    """``ai/activity/list``."""

    def __init__(self, place: Place) -> None:
        self._journal = place.app.settings.journal
        self._publish = place.publish
        self._refusals = Refusals(self._journal)
        self._feed: JournalFeed | None = None
        self._observers: tuple[Callable[[Entry], object], ...] = ()

    def start(self) -> None:
        """Report new entries from now on, of every process of the home."""
        self._feed = JournalFeed(self._journal, self._on_entry)

    def refresh(self) -> None:
        """Report the new entries of other processes."""
        if self._feed:
            self._feed.check()

    def close(self) -> None:
        """Report nothing any more."""
        self._refusals.write()
        if self._feed:
            self._feed.close()

    def observe(self, callback: Callable[[Entry], object]) -> None:
        """Call *callback* with each new entry, and with each that has changed."""
        self._observers += (callback,)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        self._refusals.add(carrier, reason)

    @channel("ai/activity/list")
    def _list(self, asked: ActivityRange) -> ActivityList:
        """List what was done in the last 90 days, and by which client."""
        self._refusals.write()
        selected = Range(asked.since, asked.until, asked.kinds, asked.id, asked.limit)
        entries = self._journal.read(selected)
        shown = entries if asked.steps else map(without_steps, entries)
        return {"activities": [activity_of(entry) for entry in shown]}

    def _on_entry(self, entry: Entry) -> None:
        self._publish(ACTIVITY.message({"id": entry.id}))
        for observer in self._observers:
            observer(entry)


QUIET_SECONDS: Final = 600.0
"""Seconds without a refusal after which the next one gets an entry of its own."""


class Refusals:
    """Journals refused clients. A flood is one entry with a count: its line is written again only
    when the count has doubled, and at the end."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._open: dict[tuple[Carrier, str], _Flood] = {}

    def add(self, carrier: Carrier, reason: Text) -> None:
        """A client of *carrier* was refused."""
        # Not its values: a client could choose another one each time.
        key = carrier, reason.template
        with self._lock:
            flood = self._open.get(key)
            if flood and flood.is_over:
                flood.write(self._journal)
            if flood is None or flood.is_over:
                flood = self._open[key] = _Flood(carrier, reason)
            flood.add(self._journal)

    def write(self) -> None:
        """Write the counts as they are now."""
        with self._lock:
            for flood in self._open.values():
                flood.write(self._journal)


class _Flood:
    def __init__(self, carrier: Carrier, reason: Text) -> None:
        now, text = datetime.now(UTC), in_all_languages(reason)
        self._entry = RefusedEntry(time=now, carrier=carrier, reason=text, count=0, last=now)
        self._written = 0
        self._at = time.monotonic()

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._at > QUIET_SECONDS

    def add(self, journal: Journal) -> None:
        self._at, count = time.monotonic(), self._entry.count + 1
        self._entry = replace(self._entry, count=count, last=datetime.now(UTC))
        if self._entry.count >= 2 * self._written:
            self.write(journal)

    def write(self, journal: Journal) -> None:
        if self._entry.count > self._written:
            self._written = self._entry.count
            journal.add(self._entry)


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
                if entry := entry_of(line):
                    self._on_entry(entry)

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
        lines = (whole := content[: content.rfind(b"\n") + 1]).splitlines()
        if inode == self._inode:
            self._offset += len(whole)
            return lines
        if self._inode is not None:
            lines = lines[-1:]
        self._inode, self._offset = inode, len(whole)
        return lines
