"""Services that do not run as they should, found in states. Pure: the time is an argument."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts import words
from aiserver_tray.features.alerts.finding import SEVERITY, Due, Finding
from aiserver_tray.features.alerts.rules import Rule, RuleKind
from aiserver_tray.model import IMAGES_ONLY, Container
from aiserver_tray.state.judge import ENDED
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


@dataclass
class _Track:
    """What was seen of a container. ``restarts``: the engine's count; ``times``: when it restarted
    by itself; ``end``: why it last ended, until it is well for a while."""

    id: str
    restarts: int
    times: list[float] = field(default_factory=list)
    end: tuple[RuleKind, Text] | None = None
    well_since: float | None = None
    sick_since: float | None = None


class Services:
    """Follows the containers of states that `see` is shown, each of them in order."""

    def __init__(self) -> None:
        self._tracks: dict[Address, _Track] = {}
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
        seen: dict[Address, _Track] = {}
        for module in state.snapshot.modules:
            for service in module.services:
                if container := state.containers.get(service.container):
                    address = (module.name, service.name)
                    track = self._tracks.get(address)
                    if track is None or track.id != container.id:
                        track = _Track(container.id, container.restart_count)
                    seen[address] = track
                    self._follow(track, module, service, container, now)
        self._tracks = seen

    def is_expected(self, module: str, now: float) -> bool:
        """Whether what happens to *module* now is somebody's wish: it is no news."""
        state = next((m.state for m in self._state.snapshot.modules if m.name == module), None)
        is_calm = state is None or state in _CALM
        return is_calm or now < self._held_until(module) or not self._state.engine.running

    def findings(self, rules: Sequence[Rule], due: Due) -> Iterator[Finding]:
        """The most severe trouble of each service."""
        for module in self._state.snapshot.modules:
            if not self._is_calm(module, due):
                own = [rule for rule in rules if rule.module in (None, module.name)]
                by_kind = {rule.kind: rule for rule in own if rule.is_on and rule.kind in SEVERITY}
                found = [self._finding(module, one, by_kind, due) for one in module.services]
                yield from (finding for finding in found if finding)

    def _is_calm(self, module: ModuleView, due: Due) -> bool:
        return module.state in _CALM or not due.reached(self._held_until(module.name))

    def _held_until(self, module: str) -> float:
        return self._held.get(module, float("-inf"))

    def _hold(self, operations: Sequence[OperationView], now: float) -> None:
        busy: set[str] = set()
        for operation in sorted(operations, key=lambda one: not one.is_over):
            if operation.kind in IMAGES_ONLY:
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
        track: _Track,
        module: ModuleView,
        service: ServiceView,
        container: Container,
        now: float,
    ) -> None:
        is_unplanned = container.name in self._state.unplanned
        is_ours = now < self._held_until(module.name) and not is_unplanned
        more, track.restarts = container.restart_count - track.restarts, container.restart_count
        if is_ours:
            track.times, track.end, more = [], None, 0
        track.times += [now] * max(0, more)
        is_down = is_unplanned and not container.is_ready
        if more > 0 or is_down or _lost_memory(container):
            track.end = _end(container, service, more) or track.end
        is_sick = container.status == "running" and container.health == "unhealthy"
        track.sick_since = _since(track.sick_since, now) if is_sick else None
        is_well = container.is_ready and not _lost_memory(container)
        track.well_since = _since(None if more > 0 else track.well_since, now) if is_well else None

    def _finding(
        self, module: ModuleView, service: ServiceView, rules: Mapping[RuleKind, Rule], due: Due
    ) -> Finding | None:
        if not (troubles := dict(self._troubles(module, service, rules, due))):
            return None
        kind = max(troubles, key=SEVERITY.__getitem__)
        return Finding(
            rules[kind],
            module.name,
            service.name,
            words.name_of(module),
            Text("{name}: {why}", name=service.name, why=troubles[kind]),
            words.page(kind, module.name, service.name),
            is_known=(module.name, service.name) in self._known,
        )

    def _troubles(
        self, module: ModuleView, service: ServiceView, rules: Mapping[RuleKind, Rule], due: Due
    ) -> Iterator[tuple[RuleKind, Text]]:
        if f"{module.name}/{service.name}" in self._state.stopped:
            return
        if (track := self._tracks.get((module.name, service.name))) is None:
            if "ended" in rules and service.state == "absent" and service.reason:
                yield "ended", service.reason
            return
        if track.well_since is not None and due.reached(track.well_since + RECOVERY_SECONDS):
            track.end = None
            self._known.discard((module.name, service.name))
        if track.end and track.end[0] in rules:
            yield track.end
        if restarts := rules.get("restarts"):
            yield from self._restarts(track, restarts, due)
        sick, since = rules.get("unhealthy"), track.sick_since
        if sick and since is not None and due.reached(since + sick.minutes * 60):
            yield "unhealthy", service.reason or Text("unhealthy")

    @staticmethod
    def _restarts(track: _Track, rule: Rule, due: Due) -> Iterator[tuple[RuleKind, Text]]:
        track.times = [time for time in track.times if not due.reached(time + rule.minutes * 60)]
        if len(track.times) >= rule.count:
            count = len(track.times)
            yield "restarts", words.restarts(count, rule.minutes, track.end and track.end[1])


def _unfinished(operation: OperationView) -> set[str]:
    """The modules that *operation* has not dealt with yet."""
    if not operation.steps:
        return {*operation.modules}
    return {step.module for step in operation.steps if step.status in ("pending", "running")}


def _since(known: float | None, now: float) -> float:
    return now if known is None else known


def _end(container: Container, service: ServiceView, more: int) -> tuple[RuleKind, Text] | None:
    """Why *container* ended. None: as it should."""
    if container.oom_killed:
        return "memory_out", service.reason or Text("ran out of memory")
    is_down = container.status in (*ENDED, "restarting")
    if is_down and container.exit_code not in _STOPPED_CODES:
        return "ended", Text("exited with code {code}", code=container.exit_code)
    if more > 0 and not is_down and not service.is_job:
        return "ended", Text("exited and was restarted")
    return None


def _lost_memory(container: Container) -> bool:
    return container.oom_killed and container.health != "healthy"
