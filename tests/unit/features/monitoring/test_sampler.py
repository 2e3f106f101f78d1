"""The thread that samples, on an engine that comes and goes at once."""

from collections.abc import Callable, Iterator
from contextlib import closing
from queue import SimpleQueue
from threading import Event

import pytest

from aiserver_tray.base.errors import EngineDownError, ObjectNotFoundError
from aiserver_tray.engine.values import Usage
from aiserver_tray.features.monitoring.sampler import Sampler
from aiserver_tray.features.monitoring.samples import Load, Sample
from aiserver_tray.state.facts import ContainersListed, EngineDown, Fact
from aiserver_tray.state.store import Store
from tests.support.made import UP, at, container, ended

LIMIT = 30.0
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


def test_no_engine_that_is_down_is_asked_and_one_that_comes_back_is_sampled_again(
    sampled: Sampled,
) -> None:
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


def test_an_engine_that_is_lost_in_between_gives_no_sample(sampled: Sampled) -> None:
    def lost(_id: str) -> Usage:
        raise DOWN

    sampled.engine.usage = lost
    sampled.put(RUNNING, UP)
    sampled.sampler.start()
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
