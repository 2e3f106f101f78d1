"""Services that do not run as they should, found in states. Pure: the time is an argument."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts.facts import Due
from aiserver_tray.model import BESIDE, Container
from aiserver_tray.state.judge import ENDED, ending
from aiserver_tray.state.reduce import State
from aiserver_tray.state.views import ModuleView, OperationView, ServiceView

HOLD_SECONDS: Final = 2.0
"""Seconds after the last step for a module in which its containers may still change by it."""
RECOVERY_SECONDS: Final = 30.0
"""Seconds that a service must run well before its trouble is over."""
_STOPPED_CODES: Final = (0, 143)
"""Exit codes of a service that ended well, or was stopped by its signal."""
_CALM: Final = ("stopped", "stopping", "engine_down")
"""States of modules that nobody expects to run."""

Address = tuple[str, str]
Fate = Literal["lasts", "over", "recovered"]
"""What became of something that no rule finds any more: nothing is known to be better; nobody
expects it to be, or an operation helped; it is well again by itself."""


class End(NamedTuple):
    """Why a container ended."""

    why: Text
    is_out_of_memory: bool = False


@dataclass
class Track:
    """What was seen of a container. Times are in seconds of the clock."""

    id: str
    restarts: int
    """The engine's count."""
    oom_at: datetime | None
    """The engine's last event that memory ran out."""
    times: list[float] = field(default_factory=list)
    """When it restarted by itself."""
    end: End | None = None
    """Why it last ended, until it is well for a while."""
    has_failed: bool = False
    """It ended, and its restart policy did not bring it back."""
    well_since: float | None = None
    is_restored: bool = False
    """An operation made it well."""
    unhealthy_since: float | None = None


class WatchedService(NamedTuple):
    """A service that should run."""

    module: ModuleView
    service: ServiceView
    track: Track | None
    """None: it has no container."""
    is_known: bool
    """It was in trouble when an operation failed, so the user knows."""


class Services:
    """Follows the containers of states that `see` is shown, each of them in order."""

    def __init__(self) -> None:
        self._tracks: dict[Address, Track] = {}
        self._held: dict[str, float] = {}
        """Module -> until when changes result from an operation; infinite while it has steps of the
        module to do."""
        self._ended: set[str] = set()
        """IDs of operations that are over, as of the last state."""
        self._known: set[Address] = set()
        """Services that were not well when an operation failed: the user knows."""
        self._state = State()

    def see(self, state: State, now: float) -> None:
        self._state = state
        if not state.engine.running:
            self._tracks.clear()  # the engine may start all of them again
            return
        self._hold(state.operations, now)
        seen: dict[Address, Track] = {}
        for module in state.snapshot.modules:
            for service in module.services:
                if container := state.containers.get(service.container):
                    address = (module.name, service.name)
                    track = self._tracks.get(address)
                    if track is None or track.id != container.id:
                        track = Track(container.id, container.restart_count, container.oom_at)
                    seen[address] = track
                    self._follow(track, module, service, container, now)
        self._tracks = seen

    def is_expected(self, module: str, now: float) -> bool:
        """Whether somebody caused what happens to *module* now, so that it is no news."""
        state = next((m.state for m in self._state.snapshot.modules if m.name == module), None)
        is_calm = state is None or state in _CALM
        return is_calm or now < self._held_until(module) or not self._state.engine.running

    def fate(self, address: Address, due: Due) -> Fate:
        """What became of the trouble of the service at *address*, which no rule finds any more. It
        is over only once the service runs well, or is not to run."""
        service = self._expected().get(address)
        if service is None:
            return "over"
        if not due.reached(self._held_until(address[0])):
            return "lasts"
        track = self._tracks.get(address)
        if track is None:
            return "lasts" if service.reason else "over"
        if track.well_since is None:
            return "lasts"
        if track.is_restored:
            return "over"
        return "recovered" if due.reached(track.well_since + RECOVERY_SECONDS) else "lasts"

    def watched(self, due: Due) -> Iterator[WatchedService]:
        """The services that should run, and that no operation changes."""
        modules = {module.name: module for module in self._state.snapshot.modules}
        for address, service in self._expected().items():
            if not due.reached(self._held_until(address[0])):
                continue
            track = self._tracks.get(address)
            since = track.well_since if track else None
            if track and since is not None and due.reached(since + RECOVERY_SECONDS):
                track.end = None
                self._known.discard(address)
            yield WatchedService(modules[address[0]], service, track, address in self._known)

    def _expected(self) -> dict[Address, ServiceView]:
        """The services that should run."""
        services = {
            (module.name, service.name): service
            for module in self._state.snapshot.modules
            if module.state not in _CALM
            for service in module.services
        }
        stopped = self._state.stopped
        return {one: service for one, service in services.items() if "/".join(one) not in stopped}

    def _held_until(self, module: str) -> float:
        return self._held.get(module, float("-inf"))

    def _hold(self, operations: Sequence[OperationView], now: float) -> None:
        busy: set[str] = set()
        for operation in sorted(operations, key=lambda one: not one.is_over):
            if operation.kind in BESIDE:
                continue
            names = {*operation.modules, *(step.module for step in operation.steps)}
            if not operation.is_over:
                busy |= _unfinished(operation)
                self._known = {known for known in self._known if known[0] not in names}
            elif operation.status != "succeeded" and operation.id not in self._ended:
                self._known |= {one for one in self._unwell() if one[0] in names}
        self._ended = {operation.id for operation in operations if operation.is_over}
        ready = {name for name, until in self._held.items() if until == math.inf} - busy
        self._held |= dict.fromkeys(ready, now + HOLD_SECONDS) | dict.fromkeys(busy, math.inf)

    def _unwell(self) -> Iterator[Address]:
        for module in self._state.snapshot.modules:
            for service in module.services:
                container = self._state.containers.get(service.container)
                if container is None or not container.is_ready:
                    yield module.name, service.name

    def _follow(
        self,
        track: Track,
        module: ModuleView,
        service: ServiceView,
        container: Container,
        now: float,
    ) -> None:
        is_unplanned = container.name in self._state.unplanned
        is_ours = now < self._held_until(module.name) and not is_unplanned
        more, track.restarts = container.restart_count - track.restarts, container.restart_count
        is_oom, track.oom_at = container.oom_at != track.oom_at, container.oom_at
        if is_ours:
            track.times, track.end, more, is_oom = [], None, 0, False
        track.times += [now] * max(0, more)
        is_down = is_unplanned and not container.is_ready
        if more > 0 or is_oom or is_down or container.lost_memory:
            track.end = _end(container, service, is_oom=is_oom) or track.end
            if track.end is None and not service.is_job:
                track.end = End(Text("exited and was restarted")) if more > 0 else None
        is_unhealthy = container.status == "running" and container.health == "unhealthy"
        track.unhealthy_since = _since(track.unhealthy_since, now) if is_unhealthy else None
        is_back = service.is_coming_back or container.is_ready
        track.has_failed = track.end is not None and (track.has_failed or not is_back)
        is_well = _is_well(container, service)
        if more > 0 or is_oom or not is_well:
            track.well_since = None
        if is_well and track.well_since is None:
            track.well_since, track.is_restored = now, is_ours


def _unfinished(operation: OperationView) -> set[str]:
    """The modules that *operation* has not dealt with yet."""
    if not operation.steps:
        return {*operation.modules}
    return {step.module for step in operation.steps if step.status in ("pending", "running")}


def _is_well(container: Container, service: ServiceView) -> bool:
    """Whether it runs and is healthy, or has done its work."""
    is_done = container.ended_well and service.reason is None
    return is_done or (container.is_ready and not container.lost_memory)


def _since(known: float | None, now: float) -> float:
    return now if known is None else known


def _end(container: Container, service: ServiceView, *, is_oom: bool) -> End | None:
    """Why *container* ended; *is_oom*: the engine reported that memory ran out. None: as it
    should."""
    if container.oom_killed:
        return End(service.reason or Text("ran out of memory"), is_out_of_memory=True)
    if is_oom:  # it was restarted before its end was seen
        return End(Text("ran out of memory"), is_out_of_memory=True)
    is_down = container.status in (*ENDED, "restarting")
    if is_down and container.exit_code not in _STOPPED_CODES:
        return End(ending(container))
    return None
