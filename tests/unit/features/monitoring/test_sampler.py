"""The threads that sample: each service, on an engine that comes and goes at once, and every second
only what somebody looks at."""

from collections.abc import Callable, Iterator
from contextlib import closing
from queue import SimpleQueue
from threading import Event

import pytest

from aiserver_tray.base.errors import EngineDownError, ObjectNotFoundError
from aiserver_tray.engine.values import Usage
from aiserver_tray.features.monitoring import sampler
from aiserver_tray.features.monitoring.sampler import RecentUsage, Sampler, Watching
from aiserver_tray.features.monitoring.samples import Load, Sample
from aiserver_tray.state.facts import ContainersListed, EngineDown, Fact
from aiserver_tray.state.store import Store
from tests.support.limits import LIMIT
from tests.support.made import UP, at, container, ended

LATER = at(3600).timestamp()
DOWN = EngineDownError("here", "refused")
RUNNING = ContainersListed((container("web/app"), container("web/db"), ended("web/job")))


class Counting:
    """An engine whose containers use half of one of two processors. ``usage`` can be replaced."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.usage: Callable[[str], Usage | None] = self.half

    def half(self, id: str) -> Usage:
        self.asked.append(id)
        count = len(self.asked)
        return Usage(time=LATER + count, cpu=count, system=4 * count, cpus=2, memory=10)


class Sampled:
    def __init__(self) -> None:
        self.engine = Counting()
        self.store = Store()
        self._heard: SimpleQueue[Sample] = SimpleQueue()
        read_usage = lambda id: self.engine.usage(id)  # noqa: E731, PLW0108 - tests replace it
        self.sampler = Sampler(read_usage, self.store, self._heard.put, interval=0.01)

    def put(self, *facts: Fact) -> None:
        for fact in facts:
            self.store.put(fact)
        self.store.flush()

    def until(self, condition: Callable[[Sample], bool]) -> Sample:
        for _ in range(500):
            if condition(sample := self._heard.get(timeout=LIMIT)):
                return sample
        raise AssertionError("there is no such sample")


@pytest.fixture
def sampled() -> Iterator[Sampled]:
    sampled = Sampled()
    with closing(sampled.store), closing(sampled.sampler):
        yield sampled


def is_whole(sample: Sample) -> bool:
    loads = (sample.loads or {}).values()
    return bool(loads) and all(load.cpu is not None for load in loads)


def test_each_running_container_is_sampled(sampled: Sampled) -> None:
    sampled.put(RUNNING, UP)
    released = Event()
    sampled.store.observe(lambda _state: released.wait(LIMIT))
    sampled.sampler.start()
    first = sampled.until(lambda _sample: True)
    released.set()
    assert first.loads == {("web", "app"): Load(None, 10), ("web", "db"): Load(None, 10)}
    sample = sampled.until(is_whole)
    half = Load(50.0, 10, 0, 0, 0, 0)
    assert sample.loads == {("web", "app"): half, ("web", "db"): half}
    assert set(sampled.engine.asked) == {"id-of-web-app", "id-of-web-db"}


def test_an_engine_is_not_asked_while_it_is_down(sampled: Sampled) -> None:
    sampled.put(EngineDown(DOWN))
    sampled.sampler.start()
    sampled.until(lambda sample: sample.loads is None)
    assert sampled.engine.asked == []
    sampled.put(RUNNING, UP)
    sampled.until(is_whole)
    sampled.put(EngineDown(DOWN))
    sampled.until(lambda sample: sample.loads is None)
    sampled.put(RUNNING, UP)
    sampled.until(is_whole)

    def lost(_id: str) -> Usage:
        raise DOWN

    sampled.engine.usage = lost
    sampled.until(lambda sample: sample.loads is None)
    sampled.engine.usage = sampled.engine.half
    sampled.until(is_whole)


def test_containers_that_are_gone_or_do_not_run_are_left_out(sampled: Sampled) -> None:
    def one(id: str) -> Usage | None:
        if id == "id-of-web-db":
            raise ObjectNotFoundError(404, "no such container")
        return None if id == "id-of-web-app" else sampled.engine.half(id)

    sampled.engine.usage = one
    sampled.put(ContainersListed((*RUNNING.containers, container("n8n/n8n"))), UP)
    sampled.sampler.start()
    assert list(sampled.until(is_whole).loads or {}) == [("n8n", "n8n")]


class Engine:
    def __init__(self) -> None:
        self.asked: SimpleQueue[str] = SimpleQueue()

    def usage(self, container: str) -> Usage:
        self.asked.put(container)
        used = self.asked.qsize()
        return Usage(float(used), cpu=used, system=used, cpus=1, memory=1)


@pytest.fixture
def store() -> Iterator[Store]:
    with closing(Store()) as store:
        store.put(ContainersListed((container("web/app"), container("data/db"))))
        store.put(UP)
        store.flush()
        yield store


def test_only_watched_modules_are_sampled(store: Store) -> None:
    engine, heard = Engine(), SimpleQueue[Sample]()
    peaks: SimpleQueue[Sample] = SimpleQueue()
    with closing(Watching(RecentUsage(engine.usage), store, peaks.put)) as watching:
        assert engine.asked.empty()
        watching.add("page", frozenset({"web"}), heard.put)
        loads = heard.get(timeout=LIMIT).loads or {}
        assert list(loads) == [("web", "app")]
        assert loads["web", "app"].cpu, "the first reading has no rate, and is not sent"
        assert list(peaks.get(timeout=LIMIT).loads or {}) == [("web", "app")]
        watching.add("command", None, lambda _sample: None)
        while peaks.get(timeout=LIMIT).loads.keys() != {("web", "app"), ("data", "db")}:  # type: ignore[union-attr]
            pass
        watching.remove("command")
        watching.remove("page")


def test_a_listener_that_fails_takes_nothing_from_the_others(store: Store) -> None:
    def fail(_sample: Sample) -> None:
        raise OSError

    heard: SimpleQueue[Sample] = SimpleQueue()
    with closing(Watching(RecentUsage(Engine().usage), store, lambda _sample: None)) as watching:
        watching.add("one", None, fail)
        watching.add("other", None, heard.put)
        while not heard.get(timeout=LIMIT).loads:
            pass


def test_a_reading_of_the_last_second_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "SECONDS", LIMIT)  # this machine may be slow
    engine = Engine()
    recent = RecentUsage(engine.usage)
    recent.refresh("id")
    assert recent.usage("id")
    assert engine.asked.qsize() == 1
    recent.clear()
    assert recent.usage("id")
    assert engine.asked.qsize() == 2
