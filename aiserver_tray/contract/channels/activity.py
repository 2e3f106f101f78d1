"""The channel that lists the entries of the journal."""

from datetime import datetime
from typing import Annotated, TypedDict

from pydantic import AfterValidator, Field

from aiserver_tray.contract.channel import Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.channels.refusals import Refusals
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.activity import activity_json, without_steps
from aiserver_tray.core.activity_forms import ActivityJson
from aiserver_tray.model import MAX_NAMES
from aiserver_tray.settings.entries import EntryKind
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

    activities: list[ActivityJson]


class ActivityChannels(Part):
    """``ai/activity/list``."""

    def __init__(self, journal: Journal, refusals: Refusals) -> None:
        self._journal = journal
        self._refusals = refusals

    @channel("ai/activity/list")
    def _list(self, asked: ActivityRange, caller: Caller) -> ActivityList:
        """List what was done in the last 90 days, and by which client."""
        self._refusals.write()
        selected = Range(asked.since, asked.until, asked.kinds, asked.id, asked.limit)
        entries = self._journal.read(selected)
        shown = entries if asked.steps else map(without_steps, entries)
        return {"activities": [activity_json(entry, caller.language) for entry in shown]}
