"""The journal: its entries for clients, and the refused clients in it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypedDict

from pydantic import AfterValidator, Field

from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channel import Payload, channel
from aiserver_tray.contract.channels.part import Feature
from aiserver_tray.contract.channels.refusals import Refusals
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.activity import activity_json, without_steps
from aiserver_tray.core.activity_forms import ActivityJson
from aiserver_tray.core.journal_feed import JournalFeed
from aiserver_tray.features.activity.events import ACTIVITY
from aiserver_tray.features.place import Place
from aiserver_tray.model import MAX_NAMES, Carrier
from aiserver_tray.settings.entries import Entry, EntryKind
from aiserver_tray.settings.journal import Range


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

    activities: list[ActivityJson]


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
        """A client of *carrier* was refused."""
        self._refusals.add(carrier, reason)

    @channel("ai/activity/list")
    def _list(self, asked: ActivityRange, caller: Caller) -> ActivityList:
        """List what was done in the last 90 days, and by which client."""
        self._refusals.write()
        selected = Range(asked.since, asked.until, asked.kinds, asked.id, asked.limit)
        entries = self._journal.read(selected)
        shown = entries if asked.steps else map(without_steps, entries)
        return {"activities": [activity_json(entry, caller.language) for entry in shown]}

    def _on_entry(self, entry: Entry) -> None:
        self._publish(ACTIVITY.message({"id": entry.id}))
        for observer in self._observers:
            observer(entry)
