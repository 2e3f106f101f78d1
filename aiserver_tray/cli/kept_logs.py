"""The lines for ``aiserver-tray logs`` from the owner, who keeps them."""

import heapq
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from aiserver_tray.cli.core import require_engine
from aiserver_tray.cli.log_query import LogQuery
from aiserver_tray.model import AT_REST, Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.forms import LogLineJson
    from aiserver_tray.contract.local.remote import RemoteCore, RemoteState
    from aiserver_tray.core.logs import forms

_SETTLE_SECONDS = 1.0
"""Seconds without a line until the last container's lines are complete: the owner keeps them a
moment after they were written."""


@dataclass(frozen=True)
class KeptLogs:
    """The lines that *query* asks of the owner behind *core*.

    Both methods raise `NotRunningError` if the owner goes away, and `RemoteError` if the query is
    wrong."""

    core: "RemoteCore"
    query: LogQuery

    def lines(self) -> "Iterator[LogLineJson]":
        """The lines that are kept, by their times."""
        return map(_as_json, self._history())

    def follow(self) -> "Iterator[LogLineJson]":
        """The lines that are kept, then each as it comes, while a container runs.

        Raises:
            EngineDownError: the engine went away.
        """
        return map(_as_json, self._followed())

    def _history(self, **more: str) -> "Iterable[forms.LogLineJson]":
        logs, tail = self.core.logs, self.query.tail
        if tail is None:
            return logs.oldest(self._filter, **more)
        wanted = self._filter
        tails = [
            logs.newest({**wanted, "services": [service]}, tail, **more)
            for service in self._services
        ]
        return heapq.merge(*tails, key=lambda line: line["timestamp"])

    def _followed(self) -> "Iterator[forms.LogLineJson]":
        stream, watch = self.core.logs.stream(self._filter), _Watch(self.core, self.query.modules)
        kept = stream.begin()
        yield from self._history(keptUntil=kept)
        quiet_since = time.monotonic()
        while True:
            if lines := stream.take():
                yield from lines
                kept, quiet_since = lines[-1]["cursor"], time.monotonic()
            elif stream.has_missed:
                before, kept = kept, stream.begin()
                yield from self.core.logs.oldest(self._filter, keptAfter=before, keptUntil=kept)
            elif watch.is_live():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= _SETTLE_SECONDS:
                return

    @property
    def _filter(self) -> dict[str, Any]:
        modules = self.query.modules or [m.name for m in self.core.store.snapshot.modules]
        return {**self.query.as_json(), "modules": list(modules)}

    @property
    def _services(self) -> list[str]:
        """All that may have lines."""
        return [
            f"{module.name}/{service.name}"
            for module in self.core.store.snapshot.modules
            if not self.query.modules or module.name in self.query.modules
            for service in module.services
        ]


class _Watch:
    """Watches whether containers of *modules* run."""

    def __init__(self, core: "RemoteCore", modules: Collection[str]) -> None:
        self._modules = modules
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
            # The journal has no container.
            others = set(self._modules) - {module.name for module in snapshot.modules}
            self._is_live = bool(others) or _runs(snapshot, self._modules)
        return self._is_live


def _runs(snapshot: Snapshot, modules: Collection[str]) -> bool:
    return any(
        service.state != "absent" and service.state not in AT_REST
        for module in snapshot.modules
        if not modules or module.name in modules
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
