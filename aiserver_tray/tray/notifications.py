"""Notifications for changes that the user may not see. Pure: the time is an argument."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Literal

from aiserver_tray.base.errors import EngineDownError, each
from aiserver_tray.base.i18n import Plural, Text
from aiserver_tray.model import (
    IMAGES_ONLY,
    ModuleView,
    OperationKind,
    OperationView,
    Snapshot,
)
from aiserver_tray.state.words import STATES

Kind = Literal["module", "operation", "engine"]

QUIET_SECONDS: Final = 15.0
"""Seconds after start and resume without notifications, because modules come back by themselves."""

BATCH_SECONDS: Final = 2.0
"""Seconds in which several modules are one piece of news."""

REPEAT_SECONDS: Final = 60.0
"""Seconds between notifications about the failure of one module, which may exit and restart for
ever."""

_BAD = ("error", "degraded")

_SUCCEEDED: Mapping[OperationKind, Text] = {
    "up": Text("Started"),
    "stop": Text("Stopped"),
    "down": Text("Removed"),
    "restart": Text("Restarted"),
    "pull": Text("Images downloaded"),
    "build": Text("Images built"),
}
_FAILED: Mapping[OperationKind, Text] = {
    "up": Text("Couldn't start"),
    "stop": Text("Couldn't stop"),
    "down": Text("Couldn't remove"),
    "restart": Text("Couldn't restart"),
    "pull": Text("Couldn't download images"),
    "build": Text("Couldn't build images"),
}
_NOT_ALL = Text("Some modules couldn't start")


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification; the user can turn off each kind."""

    kind: Kind
    title: Text
    body: Text


class Notifier:
    """Finds news by comparing snapshots with what was reported last. Results of operations are
    passed in separately, because of two that finish together snapshots show only the last.

    Modules that fail together are reported together, so the owner calls `take` again at `due` with
    the current snapshot.
    """

    def __init__(self, now: float, titles: Mapping[str, str]) -> None:
        self.titles = titles
        self.due: float | None = None
        """When `take` may have news without any change."""
        self._engine = _EngineNews(now + QUIET_SECONDS)
        self._modules = _ModuleNews(now + QUIET_SECONDS)
        self._over: deque[OperationView] = deque()
        self._revivals: set[str] = set()
        """The IDs of the reported ones among the operations."""

    def resume(self, now: float) -> None:
        """The machine was asleep: modules that soon are as before are no news."""
        self._engine.quiet_until = self._modules.quiet_until = now + QUIET_SECONDS

    def ended(self, operation: OperationView) -> None:
        """An operation that the user started from the tray has finished: news for the next `take`.
        Can be called from any thread."""
        self._over.append(operation)

    def take(self, snapshot: Snapshot, now: float) -> tuple[Notification, ...]:
        """The news in *snapshot*."""
        engine = self._engine.take(snapshot, now)
        if engine and snapshot.engine.running:
            # Modules come back one by one after an engine's start.
            self._modules.quiet_until = max(self._modules.quiet_until, now + QUIET_SECONDS)
        operations = [*self._failed_revivals(snapshot), *self._ends()]
        modules = list(self._modules.take(snapshot, now, self.titles))
        ends = [self._engine.due(now), self._modules.due(now)]
        self.due = min((end for end in ends if end is not None), default=None)
        return (*engine, *operations, *modules)

    def _failed_revivals(self, snapshot: Snapshot) -> Iterator[Notification]:
        """No user started them, so no user sees the result. A lost engine has its own
        notification."""
        failed = {o.id: o for o in snapshot.operations if o.is_revival and o.status == "failed"}
        reported, self._revivals = self._revivals, {*failed}
        for id, operation in failed.items():
            is_lost = operation.error and operation.error.code == EngineDownError.code
            if id not in reported and not is_lost:
                yield _end_of(operation, self.titles)

    def _ends(self) -> Iterator[Notification]:
        while self._over:
            operation = self._over.popleft()
            if operation.status != "cancelled":
                yield _end_of(operation, self.titles)


class _EngineNews:
    def __init__(self, quiet_until: float) -> None:
        self.quiet_until = quiet_until
        self._adopts_until = quiet_until
        self._told: bool | None = None

    def take(self, snapshot: Snapshot, now: float) -> list[Notification]:
        running = snapshot.engine.running
        if now < self._adopts_until or self._told is None:
            self._told = running
        if now < self.quiet_until or running == self._told:
            return []
        self._told = running
        if running:
            follow = Text("Your modules restart automatically.")
            return [Notification("engine", Text("Docker is running again"), follow)]
        error = snapshot.engine.error
        why = (
            error.text
            if error
            else Text("Your data is kept. Your modules restart when Docker is running again.")
        )
        return [Notification("engine", Text("Docker is off"), why)]

    def due(self, now: float) -> float | None:
        return self.quiet_until if now < self.quiet_until else None


class _ModuleNews:
    """``_told``: name -> whether it was failing when last reported. ``_failed``: modules whose
    failure will be reported, even if they recover in the meantime. ``_held``: name -> until when
    changes result from an operation. ``_sound``: modules whose last operation succeeded."""

    def __init__(self, quiet_until: float) -> None:
        self.quiet_until = quiet_until
        self._adopts_until = quiet_until
        self._told: dict[str, bool] = {}
        self._told_at: dict[str, float] = {}
        self._failed: dict[str, ModuleView] = {}
        self._gathers_until: float | None = None
        self._held: dict[str, float] = {}
        self._sound: set[str] = set()
        self._postponed: dict[str, float] = {}

    def take(
        self, snapshot: Snapshot, now: float, titles: Mapping[str, str]
    ) -> Iterator[Notification]:
        self._hold(snapshot.operations, now)
        if not snapshot.engine.running:
            self._forget_failures()
            return
        self._postponed.clear()
        for module in snapshot.modules:
            self._see(module, now)
        if now >= self.quiet_until:
            yield from self._news(snapshot.modules, now, titles)

    def due(self, now: float) -> float | None:
        if now < self.quiet_until:
            return self.quiet_until
        gathered = [] if self._gathers_until is None else [self._gathers_until]
        return min((*gathered, *self._postponed.values()), default=None)

    def _forget_failures(self) -> None:
        self._failed.clear()
        self._postponed.clear()
        self._gathers_until = None

    def _hold(self, operations: Iterable[OperationView], now: float) -> None:
        """Effects of operations on their modules are no news; events may arrive after their end."""
        for operation in sorted(operations, key=lambda one: not one.is_over):
            if operation.kind in IMAGES_ONLY:
                continue
            names = {*operation.modules, *(step.module for step in operation.steps)}
            if not operation.is_over:
                self._held |= dict.fromkeys(names, now + BATCH_SECONDS)
            if operation.status == "succeeded":
                self._sound |= names
            else:
                self._sound -= names

    def _see(self, module: ModuleView, now: float) -> None:
        name, is_bad = module.name, module.state in _BAD
        held_until = self._held.get(name, 0.0)
        if now < held_until and is_bad and name in self._sound:
            self._told[name] = False
            self._postponed[name] = held_until
        elif now < max(held_until, self._adopts_until) or name not in self._told:
            self._told[name] = is_bad
            self._failed.pop(name, None)
        elif module.state == "stopped":
            self._told[name] = False  # no user wants it any more
        elif is_bad and not self._told[name] and now >= self.quiet_until:
            again = self._told_at.get(name, now - REPEAT_SECONDS) + REPEAT_SECONDS
            if now >= again:
                self._failed.setdefault(name, module)
            else:
                self._postponed[name] = again

    def _news(
        self, modules: Sequence[ModuleView], now: float, titles: Mapping[str, str]
    ) -> Iterator[Notification]:
        if not (self._failed or self._recovered(modules)):
            self._gathers_until = None
            return
        if self._gathers_until is None:
            self._gathers_until = now + BATCH_SECONDS
        if now < self._gathers_until:
            return
        recovered = self._recovered(modules)
        if failed := list(self._failed.values()):
            self._failed.clear()
            self._told |= dict.fromkeys(_names(failed), True)
            self._told_at |= dict.fromkeys(_names(failed), now)
            yield _failure(failed, titles)
        if recovered:
            self._told |= dict.fromkeys(_names(recovered), False)
            yield _recovery(recovered, titles)
        # A module that recovered while its failure was pending is reported next.
        self._gathers_until = now + BATCH_SECONDS if self._recovered(modules) else None

    def _recovered(self, modules: Iterable[ModuleView]) -> list[ModuleView]:
        return [
            module
            for module in modules
            if module.state == "running" and self._told[module.name]
            if module.name not in self._failed
        ]


def _failure(modules: Sequence[ModuleView], titles: Mapping[str, str]) -> Notification:
    why = [module.reason or STATES[module.state] for module in modules]
    if len(modules) == 1:
        title = Text("{name} failed", name=_title(modules[0], titles))
        return Notification("module", title, why[0])
    lines = [
        Text("{name}: {why}", name=_title(module, titles), why=reason)
        for module, reason in zip(modules, why, strict=True)
    ]
    title = Text("{count} modules failed", count=len(modules))
    return Notification("module", title, _listed(lines))


def _recovery(modules: Sequence[ModuleView], titles: Mapping[str, str]) -> Notification:
    names = ", ".join(_title(module, titles) for module in modules)
    title = Plural(
        "{names} is running again",
        "{names} are running again",
        count=len(modules),
        names=names,
    )
    return Notification("module", title, Text("No action is needed."))


def _end_of(operation: OperationView, titles: Mapping[str, str]) -> Notification:
    names = Text("{names}", names=", ".join(titles.get(n, n) for n in operation.modules))
    if operation.status == "failed":
        title = _NOT_ALL if operation.is_revival else _FAILED[operation.kind]
        why = [error.text for error in each(operation.error)] if operation.error else [names]
        return Notification("operation", title, _listed(why))
    body = _listed([*([names] if operation.modules else []), *operation.notices])
    return Notification("operation", _SUCCEEDED[operation.kind], body)


def _listed(texts: Sequence[Text]) -> Text:
    return reduce(
        lambda first, second: Text("{first}; {second}", first=first, second=second), texts
    )


def _title(module: ModuleView, titles: Mapping[str, str]) -> str:
    return titles.get(module.name, module.name)


def _names(modules: Iterable[ModuleView]) -> list[str]:
    return [module.name for module in modules]
