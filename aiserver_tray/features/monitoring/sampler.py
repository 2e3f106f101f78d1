"""Takes a sample of our running containers every few seconds."""

import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import Event, Lock, Thread
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import EngineDownError, EngineRequestError
from aiserver_tray.engine.values import Usage
from aiserver_tray.features.monitoring.samples import INTERVAL_SECONDS, Address, Load, Rates, Sample
from aiserver_tray.model import Container
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT_SECONDS = 1.0


ReadUsage = Callable[[str], Usage | None]
"""Reads the resources that a container, by its id, has used; None if it does not run."""


class Sampler:
    """Samples the running containers of *store* that are *wanted*, and calls *on_sample* with each
    sample.

    Samples end at multiples of *interval* seconds, so that each interval has one. The requests of
    a sample are spread over its interval: the engine takes 4 ms for each, and 30 at once would show
    in its load. Only the first ones after the engine came are sent at once.
    """

    def __init__(
        self,
        read_usage: ReadUsage,
        store: Store,
        on_sample: Callable[[Sample], object],
        interval: float = INTERVAL_SECONDS,
        wanted: Callable[[Container], bool] = lambda _container: True,
    ) -> None:
        self._read_usage = read_usage
        self._store = store
        self._on_sample = on_sample
        self._interval = interval
        self._wanted = wanted
        self._rates = Rates()
        self._closing = Event()
        self._up = Event()
        """The engine runs. Also set on closing, which ends the wait for it."""
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="sampler", daemon=True)
        self._newest: Sample | None = None

    @property
    def newest(self) -> Sample:
        """The newest sample. Nothing is known before the first one."""
        return self._newest or Sample(time.time(), None)

    def start(self) -> None:
        # The store calls observers a moment later; until then, a running engine would look down.
        self._note(self._store.state)
        self._leave = self._store.observe(self._note)
        self._thread.start()

    def close(self) -> None:
        """Stop, without waiting for an engine that does not respond."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Stop soon, without waiting for that."""
        self._leave()
        self._closing.set()
        self._up.set()

    def _note(self, state: State) -> None:
        if state.engine.running:
            self._up.set()
        elif not self._closing.is_set():
            self._up.clear()

    def _run(self) -> None:
        due = time.time()
        while not self._closing.is_set():
            loads = self._loads(due)
            if self._closing.is_set():
                return
            self._newest = Sample(time.time(), loads)
            self._on_sample(self._newest)
            # The nearest multiple is that of the sample just taken.
            now = time.time()
            due = (round(now / self._interval) + 1) * self._interval
            if loads is None:
                left = due - now
                self._closing.wait(left) if self._up.is_set() else self._up.wait(left)
                due = time.time()

    def _loads(self, due: float) -> Mapping[Address, Load] | None:
        """The loads of all wanted services, read until the time *due*. None: the engine does not
        answer."""
        if not self._up.is_set():
            return None
        containers = self._store.state.containers.values()
        running = [c for c in containers if c.status == "running" and self._wanted(c)]
        self._rates.keep({container.id for container in running})
        try:
            return self._read(running, due)
        except EngineDownError:
            return None
        except Exception as bug:  # noqa: BLE001 - the next sample may succeed
            log_bug(_logger, "sampling the containers failed", bug)
            return None

    def _read(self, running: Sequence[Container], due: float) -> Mapping[Address, Load]:
        loads: dict[Address, Load] = {}
        for index, container in enumerate(running):
            pause = (due - time.time()) / (len(running) - index)
            if self._closing.wait(max(0.0, pause)):
                return loads
            if usage := self._usage(container.id):
                load = self._rates.load(container.id, usage, container.started_at)
                loads[container.module, container.service] = load
        self._closing.wait(max(0.0, due - time.time()))  # where nothing runs
        return loads

    def _usage(self, id: str) -> Usage | None:
        try:
            return self._read_usage(id)
        except EngineRequestError as error:  # it may be gone
            _logger.debug("the engine has no statistics of container %s: %s", id, error)
            return None


SECONDS: Final = 1.0
"""Between two samples that somebody looks at: as ``docker stats``."""

Listener = Callable[[Sample], object]

Modules = frozenset[str] | None
"""Names of modules; None: all."""


class RecentUsage:
    """Readings of *read_usage*, of which those of the last second are used again: two samplers
    share them."""

    def __init__(self, read_usage: ReadUsage) -> None:
        self._read_usage = read_usage
        self._read: dict[str, tuple[float, Usage | None]] = {}

    def usage(self, container: str) -> Usage | None:
        """What it used within the last second."""
        read_at, usage = self._read.get(container, (0.0, None))
        return usage if time.monotonic() - read_at < SECONDS else self._read_usage(container)

    def refresh(self, container: str) -> Usage | None:
        """What it uses now."""
        usage = self._read_usage(container)
        self._read[container] = (time.monotonic(), usage)
        return usage

    def clear(self) -> None:
        self._read.clear()


class Watching:
    """Calls each listener with a sample of its modules every second, and *on_sample* with samples
    of all of these. Nothing is read while there is no listener."""

    def __init__(self, recent: RecentUsage, store: Store, on_sample: Listener) -> None:
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
                    self._recent.refresh, self._store, self._take, SECONDS, self._is_watched
                )
                self._sampler.start()

    def remove(self, key: Hashable) -> None:
        with self._lock:
            self._listeners.pop(key, None)
            if not self._listeners and self._sampler:
                self._sampler.stop()
                self._sampler = None
                self._recent.clear()

    def close(self) -> None:
        for key in tuple(self._listeners):
            self.remove(key)

    def _is_watched(self, container: Container) -> bool:
        watched = tuple(self._listeners.values())
        return any(_has(modules, container.module) for modules, _ in watched)

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
