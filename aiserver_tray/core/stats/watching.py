"""Samples every second, of modules that somebody looks at."""

import logging
import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.core.stats.sampler import Sampler, UsageSource
from aiserver_tray.core.stats.samples import Sample
from aiserver_tray.engine.values import Usage
from aiserver_tray.model import Container
from aiserver_tray.state.store import Store

SECONDS: Final = 1.0
"""Between two samples that somebody looks at: as ``docker stats``."""

_logger = logging.getLogger(__name__)

Listener = Callable[[Sample], object]

Modules = frozenset[str] | None
"""Names of modules; None: all."""


class RecentUsage:
    """The readings of *source*, of which those of the last second are used again: two samplers
    share them."""

    def __init__(self, source: UsageSource) -> None:
        self._source = source
        self._read: dict[str, tuple[float, Usage | None]] = {}

    def usage(self, container: str, /) -> Usage | None:
        """What it used within the last second."""
        read_at, usage = self._read.get(container, (0.0, None))
        is_recent = time.monotonic() - read_at < SECONDS
        return usage if is_recent else self._source.usage(container)

    def refresh(self, container: str) -> Usage | None:
        """What it uses now."""
        usage = self._source.usage(container)
        self._read[container] = (time.monotonic(), usage)
        return usage

    def clear(self) -> None:
        """Forget all readings."""
        self._read.clear()


class _Fresh:
    def __init__(self, recent: RecentUsage) -> None:
        self.usage = recent.refresh


class Watching:
    """Calls each listener with a sample of its modules every second, and *on_sample* with samples
    of all of these. Nothing is read while there is no listener."""

    def __init__(
        self, recent: RecentUsage, store: Store, on_sample: Callable[[Sample], object]
    ) -> None:
        self._recent = recent
        self._store = store
        self._on_sample = on_sample
        self._lock = Lock()
        self._listeners: dict[Hashable, tuple[Modules, Listener]] = {}
        self._sampler: Sampler | None = None

    def add(self, key: Hashable, modules: Modules, listener: Listener) -> None:
        """Let *listener* hear of *modules*, in place of what was added with *key* before."""
        with self._lock:
            self._listeners[key] = (modules, listener)
            if self._sampler is None:
                self._sampler = Sampler(
                    _Fresh(self._recent), self._store, self._take, SECONDS, self._is_watched
                )
                self._sampler.start()

    def remove(self, key: Hashable) -> None:
        """Forget what was added with *key*."""
        with self._lock:
            self._listeners.pop(key, None)
            if not self._listeners and self._sampler:
                self._sampler.stop()
                self._sampler = None
                self._recent.clear()

    def close(self) -> None:
        """Forget all listeners."""
        for key in tuple(self._listeners):
            self.remove(key)

    def _is_watched(self, container: Container) -> bool:
        watched = [modules for modules, _ in tuple(self._listeners.values())]
        return any(_has(modules, container.module) for modules in watched)

    def _take(self, sample: Sample) -> None:
        if sample.loads and all(load.cpu is None for load in sample.loads.values()):
            return  # the first one: a rate needs two
        self._on_sample(sample)
        for modules, listener in tuple(self._listeners.values()):
            try:
                listener(_part(sample, modules))
            except Exception as bug:  # noqa: BLE001 - the other listeners still get theirs
                log_bug(_logger, "a sample was not sent to a client", bug)


def _has(modules: Modules, module: str) -> bool:
    return modules is None or module in modules


def _part(sample: Sample, modules: Modules) -> Sample:
    loads = sample.loads
    if loads is not None:
        loads = {address: load for address, load in loads.items() if _has(modules, address[0])}
    return Sample(sample.time, loads)
