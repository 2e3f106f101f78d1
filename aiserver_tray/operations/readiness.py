"""Whether a started service is ready, is on its way, or has failed (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiserver_tray.model import Container
from aiserver_tray.target.model import ServiceTarget

Verdict = Literal["ready", "waiting", "failed", "gone"]


@dataclass
class Wait:
    """One service that was started, or, where it is not ``is_fresh``, ran already. ``begun`` and
    ``deadline`` are seconds of the clock `awake`.

    ``since`` is when the engine started it: what the store still holds from before says nothing.
    """

    target: ServiceTarget
    container: Container
    begun: float
    deadline: float
    is_fresh: bool = True

    def look(self, containers: Mapping[str, Container]) -> Verdict:
        """What *containers*, by name, mean for it."""
        found = containers.get(self.target.container)
        if found is None or found.id != self.container.id:
            return "gone"
        if _earlier(found.started_at, self.container.started_at):
            return "waiting"
        return self.judge(found)

    def judge(self, found: Container) -> Verdict:
        """What its container, as it was *found*, means for it."""
        verdict = _of_job(found) if self.target.is_job else self._of_service(found)
        self.container = found
        return verdict

    def _of_service(self, found: Container) -> Verdict:
        if self.target.may_end and found.ended_well:
            return "ready"
        if found.status in ("exited", "dead", "restarting"):
            return "failed"
        if found.restart_count > self.container.restart_count:
            return "failed"
        return "ready" if found.is_ready else "waiting"


def _of_job(found: Container) -> Verdict:
    if found.status not in ("exited", "dead"):
        return "waiting"
    return "ready" if found.ended_well else "failed"


def _earlier(time: datetime | None, than: datetime | None) -> bool:
    return bool(than and (time is None or time < than))
