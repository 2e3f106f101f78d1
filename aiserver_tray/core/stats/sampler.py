"""Takes a sample of all our running containers every few seconds."""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Protocol

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import EngineDownError, EngineRequestError
from aiserver_tray.core.stats.history import (
    INTERVAL_SECONDS,
    Address,
    Load,
    Rates,
    Sample,
    extended,
)
from aiserver_tray.engine.values import Usage
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_CLOSE_TIMEOUT_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class UsageSource(Protocol):
    """The containers API that the sampler uses."""

    def usage(self, container: str, /) -> Usage | None: ...


class SampledEngine(Protocol):
    """The part of an `Engine` that the sampler uses."""

    @property
    def containers(self) -> UsageSource: ...


class Sampler:
    """Samples the containers of *store* on *engine*, and calls *on_sample* with each sample.

    The requests are spread over *interval* seconds: the engine takes 4 ms for each, and 30 at once
    would show in its load. Only the first ones after the engine came are sent at once.
    """

    def __init__(
        self,
        engine: SampledEngine,
        store: Store,
        on_sample: Callable[[Sample], object],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._engine = engine
        self._store = store
        self._on_sample = on_sample
        self._interval = interval
        self._rates = Rates()
        self._closing = Event()
        self._up = Event()
        """The engine runs. Also set on closing, which ends the wait for it."""
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="sampler", daemon=True)
        self.samples: tuple[Sample, ...] = ()
        """Those of the last half hour, the newest last."""

    @property
    def newest(self) -> Sample:
        """The newest sample. Nothing is known before the first one."""
        samples = self.samples
        return samples[-1] if samples else Sample(time.time(), None)

    def start(self) -> None:
        """Begin."""
        # The store calls observers a moment later; until then, a running engine would look down.
        self._note(self._store.state)
        self._leave = self._store.observe(self._note)
        self._thread.start()

    def close(self) -> None:
        """Stop, without waiting for an engine that does not respond."""
        self._leave()
        self._closing.set()
        self._up.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def _note(self, state: State) -> None:
        if state.engine.running:
            self._up.set()
        elif not self._closing.is_set():
            self._up.clear()

    def _run(self) -> None:
        interval = 0.0
        while not self._closing.is_set():
            loads = self._loads(interval)
            if self._closing.is_set():
                return
            self._record(Sample(time.time(), loads))
            interval = self._interval
            if loads is None:
                self._closing.wait(interval) if self._up.is_set() else self._up.wait(interval)
                interval = 0.0

    def _loads(self, interval: float) -> Mapping[Address, Load] | None:
        """The loads of all services that run, read over *interval* seconds. None: the engine does
        not answer."""
        if not self._up.is_set():
            return None
        running = [c for c in self._store.state.containers.values() if c.status == "running"]
        self._rates.keep({container.id for container in running})
        pause = interval / max(len(running), 1)
        loads: dict[Address, Load] = {}
        try:
            for container in running or (None,):
                if self._closing.wait(pause):
                    break
                usage = self._usage(container.id) if container else None
                if container and usage:
                    load = self._rates.load(container.id, usage)
                    loads[container.module, container.service] = load
        except EngineDownError:
            return None
        except Exception as bug:  # noqa: BLE001 - the next sample may succeed
            log_bug(_logger, "sampling the containers failed", bug)
            return None
        return loads

    def _usage(self, id: str) -> Usage | None:
        try:
            return self._engine.containers.usage(id)
        except EngineRequestError as error:  # it may be gone
            _logger.debug("the engine has no statistics of container %s: %s", id, error)
            return None

    def _record(self, sample: Sample) -> None:
        self.samples = extended(self.samples, sample)
        self._on_sample(sample)
