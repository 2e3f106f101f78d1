"""The lines for ``aiserver-tray logs`` from the owner, who keeps them."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import refuse_unknown
from aiserver_tray.cli.core import require_engine
from aiserver_tray.features.logs.events import JOURNAL
from aiserver_tray.features.logs.line import LEVELS, Level, is_at_least, record_of
from aiserver_tray.features.logs.streams import Source, is_named
from aiserver_tray.model import AT_REST
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.remote import RemoteCore, RemoteState
    from aiserver_tray.features.logs import events
    from aiserver_tray.features.logs.line import LogRecordJson
    from aiserver_tray.features.logs.query import LogFilter


# -- the lines that ``aiserver-tray logs`` shows --------------------------------------------------


@dataclass(frozen=True)
class LogQuery:
    """The lines of ``names`` (modules, and services as ``module/service``; none: of all) that
    fulfil every condition; of these, the last ``tail`` of each service."""

    names: tuple[str, ...] = ()
    tail: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    level: Level | None = None
    """or above"""
    grep: str = ""
    """a regular expression"""
    fields: tuple[str, ...] = ()

    @property
    def selects_lines(self) -> bool:
        """Whether some lines of a service are not wanted, whenever they were written."""
        return bool(self.level or self.grep or self.fields)

    def check_names(self, services: Mapping[str, Collection[str]]) -> None:
        """Check that the names exist among the *services* of each module.

        Raises:
            UnknownNameError: one does not; names similar ones.
        """
        for name in self.names:
            module = name.partition("/")[0]
            refuse_unknown([module], services)
            if name != module:
                refuse_unknown([name], (f"{module}/{service}" for service in services[module]))

    def as_json(self) -> dict[str, Any]:
        """The filter in a request to the owner."""
        return {
            "modules": [name for name in self.names if "/" not in name],
            "services": [name for name in self.names if "/" in name],
            "levels": list(self._levels()),
            "since": self.since.timestamp() if self.since else None,
            "until": self.until.timestamp() if self.until else None,
            "pattern": self.grep,
            "fields": list(self.fields),
        }

    def filter(self) -> "LogFilter":
        """The filter for lines of the engine.

        Raises:
            LogFilterError: a condition on a field is none.
        """
        from aiserver_tray.base.strings import nanoseconds  # noqa: PLC0415 - only without an owner
        from aiserver_tray.features.logs.query import FieldCondition, LogFilter  # noqa: PLC0415

        return LogFilter(
            levels=frozenset(self._levels()),
            since=nanoseconds(self.since) if self.since else None,
            until=nanoseconds(self.until) if self.until else None,
            pattern=self.grep,
            fields=tuple(map(FieldCondition.parse, self.fields)),
        )

    def _levels(self) -> Iterator[Level]:
        if self.level:
            wanted: tuple[Level, ...] = (*LEVELS, "unknown")
            yield from (level for level in wanted if is_at_least(level, self.level))


Service = tuple[str, str]
"""Module and service."""


class KeptLogs:
    """The lines that *query* asks of the owner behind *core*, whose state is *snapshot*.
    *on_unreadable* is called once for each service whose log the engine can't read.

    Every method raises `NotRunningError` if the owner goes away, and `RemoteError` if the query is
    wrong."""

    def __init__(
        self,
        core: "RemoteCore",
        query: LogQuery,
        snapshot: Snapshot,
        on_unreadable: "Callable[[Source], None]",
    ) -> None:
        self.core = core
        self.query = query
        self._on_unreadable = on_unreadable
        self._bounds, self._kept = core.logs.bounds(), core.logs.kept()
        self._snapshot = snapshot
        self._names = query.names or tuple(module.name for module in snapshot.modules)
        self._reported: set[Service] = set()

    @property
    def services(self) -> Mapping[str, Collection[str]]:
        """The services of each module that can be asked for, also those that are gone."""
        found = {
            module.name: dict.fromkeys(service.name for service in module.services)
            for module in self._snapshot.modules
        }
        found[JOURNAL] = {"journal": None}
        for kept in self._kept["modules"]:
            found.setdefault(kept["module"], {}).update(dict.fromkeys(kept["services"]))
        return found

    @property
    def are_complete(self) -> bool:
        """Whether the owner keeps the lines of all modules that are asked for."""
        left_out = {*self._bounds["notKept"]}
        if self._snapshot.engine.running:
            left_out |= {*self._bounds["behind"]}
        left_out &= {name.partition("/")[0] for name in self._names}
        return self._bounds["isKept"] and not self._kept["problem"] and not left_out

    def lines(self) -> "Iterator[LogRecordJson]":
        """The lines that are kept, by their times."""
        self._report(self._kept["unreadable"])
        return map(_record, self._history())

    def follow(self) -> "Iterator[LogRecordJson]":
        """The lines that are kept, then each as it comes, while a container runs.

        Raises:
            EngineDownError: the engine went away.
        """
        self._report(self._kept["unreadable"])
        watch = _Watch(self.core, self._names, self._report)

        def history(until: str) -> "Iterable[events.LogLineJson]":
            return self._history(keptUntil=until)

        lines = self.core.logs.follow(self._filter, history, watch.is_live)
        return map(_record, lines)

    def _report(self, unreadable: "Iterable[events.UnreadableService]") -> None:
        for found in unreadable:
            service = found["module"], found["service"]
            if is_named(self._names, *service) and service not in self._reported:
                self._reported.add(service)
                self._on_unreadable(Source(*service, ""))

    def _history(self, **more: str) -> "Iterable[events.LogLineJson]":
        logs, tail = self.core.logs, self.query.tail
        if tail is None:
            return logs.oldest(self._filter, **more)
        tails = logs.tails(self._filter, self._services, tail, **more)
        return heapq.merge(*tails, key=lambda line: line["timestamp"])

    @property
    def _filter(self) -> dict[str, Any]:
        return replace(self.query, names=self._names).as_json()

    @property
    def _services(self) -> list[str]:
        """All that may have lines."""
        return [
            f"{module}/{service}"
            for module, services in self.services.items()
            for service in services
            if is_named(self._names, module, service)
        ]


class _Watch:
    """Watches whether containers of *names* run whose logs the engine can read. *report* gets the
    services whose logs it can't read."""

    def __init__(
        self,
        core: "RemoteCore",
        names: Sequence[str],
        report: "Callable[[Iterable[events.UnreadableService]], None]",
    ) -> None:
        self._core = core
        self._names = names
        self._report = report
        self._states: SimpleQueue[RemoteState] = SimpleQueue()
        self._running: dict[Service, datetime | None] | None = None
        """When each container has started; None before the first state."""
        self._unreadable: set[Service] = set()
        self._is_settled = False
        """Whether `_unreadable` is about all that run."""
        core.store.observe(self._states.put)

    def is_live(self) -> bool:
        """Whether more lines may come.

        Raises:
            EngineDownError, NotRunningError: the engine or the owner is gone.
        """
        while not self._states.empty():
            snapshot = self._states.get().snapshot
            require_engine(snapshot)
            if (running := self._started(snapshot)) != self._running:
                self._running, self._is_settled = running, False
        if self._running is None or is_named(self._names, JOURNAL, "journal"):
            return True
        if not self._is_settled:
            self._settle(self._running)
        return not self._running.keys() <= self._unreadable

    def _started(self, snapshot: Snapshot) -> "dict[Service, datetime | None]":
        return {
            (module.name, service.name): service.started_at
            for module in snapshot.modules
            for service in module.services
            if is_named(self._names, module.name, service.name)
            and service.state != "absent"
            and service.state not in AT_REST
        }

    def _settle(self, running: "Mapping[Service, object]") -> None:
        """Ask which logs can't be read. The owner knows once it has tried to read them."""
        behind = {*self._core.logs.bounds()["behind"]}
        found = self._core.logs.kept()["unreadable"]
        self._report(found)
        self._unreadable = {(service["module"], service["service"]) for service in found}
        self._is_settled = behind.isdisjoint(module for module, _ in running)


def _record(line: "events.LogLineJson") -> "LogRecordJson":
    return record_of(line, line["timestamp"])
