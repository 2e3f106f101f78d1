"""The channels of clean-ups."""

from collections.abc import Iterable
from typing import Annotated, TypedDict

from pydantic import Field

from aiserver_tray.features.cleanup.events import CLEANUP
from aiserver_tray.features.cleanup.plan import CleanupPlan
from aiserver_tray.features.cleanup.removal import Outcome, Removal
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.entries import CleanedEntry, shortened

_MAX_THINGS = 5000


class CleanupRequest(Payload):
    """The things to remove."""

    ids: Annotated[frozenset[str], Field(max_length=_MAX_THINGS)]
    """of things that `ai/cleanup/plan` has listed"""


class CleanupResult(TypedDict):
    """What a clean-up has done."""

    outcomes: list[Outcome]
    """one for each thing that was to be removed"""
    bytes: int
    """that became free; at least so many"""


class CleanupFeature(Feature):
    """``ai/cleanup/…``."""

    def __init__(self, place: Place) -> None:
        self._journal = place.app.settings.journal
        self._publish = place.publish
        self._removal = Removal(place.app, place.core)

    @channel("ai/cleanup/plan")
    def _plan(self) -> CleanupPlan:
        """List what takes space and is not in use: images that no container has, ended containers
        of modules that are gone, old exports of logs. Data of modules is never among it."""
        return self._removal.plan()

    @channel("ai/cleanup/run")
    def _run(self, asked: CleanupRequest, caller: Caller) -> CleanupResult:
        """Remove things that are not in use; answers when it is done. Things that are in use by
        then stay. Refused (`E_BUSY`) while an operation is under way."""
        total = len(asked.ids)
        outcomes, freed = self._removal.run(
            asked.ids, lambda done: self._publish(CLEANUP.message({"done": done, "total": total}))
        )
        entry = CleanedEntry(
            actor=caller.actor,
            removed=_names(one for one in outcomes if one.problem is None),
            kept=_names(one for one in outcomes if one.problem),
            bytes=freed,
        )
        self._journal.add(entry)
        return {"outcomes": outcomes, "bytes": freed}


def _names(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return tuple(shortened(one.names[0] if one.names else one.id) for one in outcomes)
