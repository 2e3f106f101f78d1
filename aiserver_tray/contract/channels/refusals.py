"""Refused clients in the journal."""

import time
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Carrier
from aiserver_tray.settings.entries import RefusedEntry, in_all_languages
from aiserver_tray.settings.journal import Journal

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
        now = datetime.now(UTC)
        text = in_all_languages(reason)
        self._entry = RefusedEntry(time=now, carrier=carrier, reason=text, count=0, last=now)
        self._written = 0
        self._at = time.monotonic()

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._at > QUIET_SECONDS

    def add(self, journal: Journal) -> None:
        self._at = time.monotonic()
        more = {"count": self._entry.count + 1, "last": datetime.now(UTC)}
        self._entry = self._entry.model_copy(update=more)
        if self._entry.count >= 2 * self._written:
            self.write(journal)

    def write(self, journal: Journal) -> None:
        if self._entry.count > self._written:
            self._written = self._entry.count
            journal.add(self._entry)
