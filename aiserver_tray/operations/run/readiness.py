"""Whether a started service is ready, is on its way, or has failed (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aiserver_tray.model import Container
from aiserver_tray.spec.model import ServiceTarget

Verdict = Literal["ready", "waiting", "failed", "gone"]

STEADY_SECONDS = 0.5
"""Seconds that a service without a health check must run to count as ready: broken ones often exit
at once."""


@dataclass
class Wait:
    """A wait until one service is ready."""

    target: ServiceTarget
    container: Container
    """Its start time matters: older states in the store say nothing about this start."""
    begun: float
    """Seconds of the clock `awake`, as is the deadline."""
    deadline: float
    is_fresh: bool = True
    """Whether the service was started now. Otherwise it ran already."""

    def next_check(self, now: float) -> float:
        """The next time at which the verdict may change without a new state, seen from *now*."""
        return self._steady_at if now < self._steady_at else self.deadline

    @property
    def _steady_at(self) -> float:
        """The time from which on a running service counts as ready."""
        has_check = self.container.health != "none"
        if has_check or self.target.is_job or not self.is_fresh:
            return self.begun
        return min(self.begun + STEADY_SECONDS, self.deadline)

    def check(self, containers: Mapping[str, Container], now: float) -> Verdict:
        """The verdict from *containers*, by name, *now*."""
        found = containers.get(self.target.container)
        if found is None or found.id != self.container.id:
            return "gone"
        started = self.container.started_at
        if started and (found.started_at is None or found.started_at < started):
            return "waiting"
        return self.judge(found, now)

    def judge(self, found: Container, now: float) -> Verdict:
        """The verdict from its container as *found*, *now*."""
        before, self.container = self.container, found
        return _of_job(found) if self.target.is_job else self._of_service(found, before, now)

    def _of_service(self, found: Container, before: Container, now: float) -> Verdict:
        if self.target.may_end and found.ended_well:
            return "ready"
        if found.status in ("exited", "dead", "restarting"):
            return "failed"
        if found.restart_count > before.restart_count:
            return "failed"
        return "ready" if found.is_ready and now >= self._steady_at else "waiting"


def _of_job(found: Container) -> Verdict:
    if found.status not in ("exited", "dead"):
        return "waiting"
    return "ready" if found.ended_well else "failed"
