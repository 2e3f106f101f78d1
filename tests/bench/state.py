"""How fast the state follows the engine, and what following costs while nothing happens."""

import statistics
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from aiserver_tray.core.watcher import Watcher
from aiserver_tray.engine.client import Client
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import Event
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.spec.labels import Owner, container_labels
from aiserver_tray.state.facts import DesiredChanged, ModulesChanged
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store
from tests.bench.result import Figure
from tests.lab import engine as lab_engine
from tests.lab.place import Place

IMAGE = "busybox:1.37.0"
INSTALLATION = "bench-state"
CONTAINERS = 30
ROUNDS = 60
"""Each has four events."""
IDLE = 60.0
LIMIT = 60.0
_CHECK = {
    "Test": ["CMD", "true"],
    "Interval": 30 * 10**9,  # as where a file says nothing
    "StartPeriod": 60 * 10**9,
    "StartInterval": 10**9,
}


def event_to_snapshot(place: Place) -> dict[str, Figure]:
    """Milliseconds from the engine's stamp of an event until an observer has the snapshot that
    shows it, with 30 containers running. The clock is the same: the engine is on this machine."""
    with thirty(place) as engine, watched(engine) as store, _events(engine) as events:
        shown = _Shown(store)
        names = sorted(store.state.containers)
        api = lab_engine.client(place).api
        steps = [
            step
            for number in range(ROUNDS)
            for step in _exercise(api, names[number % len(names)], shown)
        ]
    delays = sorted((step.shown - step.stamp(events)) / 1e6 for step in steps)
    count = len(delays)
    return {
        "event-to-snapshot-median": Figure(statistics.median(delays), "ms"),
        "event-to-snapshot-p95": Figure(delays[int(count * 0.95)], f"ms of {count}", 10.0),
        "event-to-snapshot-worst": Figure(delays[-1], "ms"),
    }


def idle_watcher(place: Place) -> dict[str, Figure]:
    """Share of one core, and requests to the engine, of a process that watches 30 containers with
    health checks for a minute in which nothing happens."""
    with thirty(place) as engine, watched(engine) as store:
        with mock.patch.object(Client, "ask", autospec=True, side_effect=Client.ask) as ask:
            begun = time.process_time()
            time.sleep(IDLE)
            busy = time.process_time() - begun
        lab_engine.client(place).api.pause(_names()[0])  # to see that somebody was watching
        store.wait_until(lambda snapshot: snapshot.state == "degraded", LIMIT)
        return {
            "idle-watcher-cpu": Figure(100 * busy / IDLE, "% of a core", 0.5),
            "idle-watcher-requests": Figure(ask.call_count, f"in {IDLE:.0f} s", 2),
        }


@dataclass(frozen=True)
class _Step:
    """An action on a container, when it was begun and when it was shown (ns since 1970)."""

    action: str
    container: str
    begun: int
    shown: int

    def stamp(self, events: Iterable[Event]) -> int:
        """When the engine says that it happened. (It tells a pause twice, at times.)"""
        return next(
            event.time_ns
            for event in events
            if (event.action, event.attributes["name"]) == (self.action, self.container)
            and event.time_ns >= self.begun
        )


class _Shown:
    """What the snapshots show of the containers, and since when."""

    def __init__(self, store: Store) -> None:
        self._statuses: dict[str, tuple[str, int]] = {}
        self._changed = threading.Condition()
        store.observe(self._look)

    def _look(self, state: State) -> None:
        services = state.snapshot.modules[0].services
        now = time.time_ns()
        with self._changed:
            for service in services:
                if self._statuses.get(service.container, ("",))[0] != service.state:
                    self._statuses[service.container] = (service.state, now)
            self._changed.notify_all()

    def wait(self, container: str, status: str) -> int:
        """Until it is shown so; since when it is."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._statuses.get(container, ("",))[0] == status, LIMIT
            )
            return self._statuses[container][1]


def _exercise(api: Any, name: str, shown: _Shown) -> Iterator[_Step]:  # noqa: ANN401 - untyped SDK
    for action, act, status in (
        ("pause", api.pause, "paused"),
        ("unpause", api.unpause, "running"),
        ("die", api.kill, "exited"),
        ("start", api.start, "running"),
    ):
        begun = time.time_ns()
        act(name)
        yield _Step(action, name, begun, shown.wait(name, status))


@contextmanager
def _events(engine: Engine) -> Iterator[list[Event]]:
    """The events themselves, beside the watcher; complete at the end."""
    found: list[Event] = []
    source = engine.events(INSTALLATION)
    thread = threading.Thread(target=lambda: found.extend(source))
    thread.start()
    try:
        yield found
    finally:
        source.close()
        thread.join()


@contextmanager
def watched(engine: Engine) -> Iterator[Store]:
    services = tuple(ServiceModel(name, name, IMAGE) for name in _names())
    with ExitStack() as stack:
        store = stack.enter_context(closing(Store()))
        store.put(ModulesChanged((ModuleModel("bench", "feature", services=services),)))
        store.put(DesiredChanged(frozenset({"bench"})))
        watcher = stack.enter_context(closing(Watcher(engine, store, INSTALLATION)))
        watcher.start()
        store.wait_until(lambda snapshot: snapshot.state == "running", LIMIT)
        yield store


@contextmanager
def thirty(place: Place) -> Iterator[Engine]:
    """30 containers with health checks on the lab's engine."""
    lab_engine.client(place).images.pull(IMAGE)
    with closing(Engine(place.host)) as engine, ThreadPoolExecutor(4) as threads:
        try:
            list(threads.map(lambda name: _run(engine, name), _names()))
            yield engine
        finally:
            found = engine.containers.summaries(INSTALLATION)
            list(threads.map(lambda summary: engine.containers.remove(summary.id), found))


def _names() -> list[str]:
    return [f"bench-state-{number}" for number in range(CONTAINERS)]


def _run(engine: Engine, name: str) -> None:
    labels = container_labels("bench", name, Owner(INSTALLATION, "1"), "hash", {})
    body = {"Image": IMAGE, "Cmd": ["sleep", "3600"], "Labels": labels, "Healthcheck": _CHECK}
    created = engine.containers.create(name, {**body, "HostConfig": {"NetworkMode": "none"}})
    engine.containers.start(created)
