"""The lines for ``aiserver-tray logs`` from the owner, who keeps them."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from aiserver_tray.cli.core import require_engine
from aiserver_tray.cli.log_query import LogQuery
from aiserver_tray.core.logs.forms import JOURNAL
from aiserver_tray.model import AT_REST, Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.forms import LogLineJson
    from aiserver_tray.contract.local.remote import RemoteCore, RemoteState
    from aiserver_tray.core.logs import forms
    from aiserver_tray.core.logs.sources import Source


class KeptLogs:
    """The lines that *query* asks of the owner behind *core*, whose state is *snapshot*.
    *on_unreadable* is called for each service whose log the engine can't read.

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
        self._modules = query.modules or tuple(module.name for module in snapshot.modules)

    @property
    def names(self) -> Collection[str]:
        """The modules that can be asked for, also those that are gone."""
        known = [module.name for module in self._snapshot.modules]
        kept = [module["module"] for module in self._kept["modules"]]
        return dict.fromkeys([*known, JOURNAL, *kept])

    @property
    def are_complete(self) -> bool:
        """Whether the owner keeps the lines of all modules that are asked for."""
        left_out = {*self._bounds["notKept"]}
        if self._snapshot.engine.running:
            left_out |= {*self._bounds["behind"]}
        left_out &= {*self._modules}
        return self._bounds["isKept"] and not self._kept["problem"] and not left_out

    def lines(self) -> "Iterator[LogLineJson]":
        """The lines that are kept, by their times."""
        self._report_unreadable()
        return map(_as_json, self._history())

    def follow(self) -> "Iterator[LogLineJson]":
        """The lines that are kept, then each as it comes, while a container runs.

        Raises:
            EngineDownError: the engine went away.
        """
        self._report_unreadable()
        unreadable = [(found["module"], found["service"]) for found in self._kept["unreadable"]]
        watch = _Watch(self.core, self._modules, unreadable)

        def history(until: str) -> "Iterable[forms.LogLineJson]":
            return self._history(keptUntil=until)

        lines = self.core.logs.follow(self._filter, history, watch.is_live)
        return map(_as_json, lines)

    def _report_unreadable(self) -> None:
        for service in self._kept["unreadable"]:
            if service["module"] in self._modules:
                from aiserver_tray.core.logs.sources import Source  # noqa: PLC0415 - rarely needed

                self._on_unreadable(Source(service["module"], service["service"], ""))

    def _history(self, **more: str) -> "Iterable[forms.LogLineJson]":
        logs, tail = self.core.logs, self.query.tail
        if tail is None:
            return logs.oldest(self._filter, **more)
        tails = logs.tails(self._filter, self._services, tail, **more)
        return heapq.merge(*tails, key=lambda line: line["timestamp"])

    @property
    def _filter(self) -> dict[str, Any]:
        return {**self.query.as_json(), "modules": list(self._modules)}

    @property
    def _services(self) -> list[str]:
        """All that may have lines."""
        return [
            f"{module.name}/{service.name}"
            for module in self._snapshot.modules
            if module.name in self._modules
            for service in module.services
        ] + ([f"{JOURNAL}/journal"] if JOURNAL in self._modules else [])


class _Watch:
    """Watches whether containers of *modules* run, without the services that are *unreadable*."""

    def __init__(
        self, core: "RemoteCore", modules: Collection[str], unreadable: Collection[tuple[str, str]]
    ) -> None:
        self._modules = modules
        self._unreadable = unreadable
        self._states: SimpleQueue[RemoteState] = SimpleQueue()
        self._is_live = True
        core.store.observe(self._states.put)

    def is_live(self) -> bool:
        """Whether more lines may come.

        Raises:
            EngineDownError, NotRunningError: the engine or the owner is gone.
        """
        while not self._states.empty():
            snapshot = self._states.get().snapshot
            require_engine(snapshot)
            self._is_live = JOURNAL in self._modules or self._runs(snapshot)
        return self._is_live

    def _runs(self, snapshot: Snapshot) -> bool:
        return any(
            service.state != "absent"
            and service.state not in AT_REST
            and (module.name, service.name) not in self._unreadable
            for module in snapshot.modules
            if module.name in self._modules
            for service in module.services
        )


def _as_json(line: "forms.LogLineJson") -> "LogLineJson":
    # As exact as the times of the command line without an owner.
    time = datetime.fromisoformat(line["timestamp"][:26] + "+00:00")
    return {
        "time": time.isoformat(),
        "module": line["module"],
        "service": line["service"],
        "stream": line["stream"],
        "level": line["level"],
        "continues": line["continues"],
        "message": line["text"],
    }
