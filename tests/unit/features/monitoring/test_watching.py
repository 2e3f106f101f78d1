"""Samples every second: only of what somebody looks at, and only then."""

from collections.abc import Iterator
from contextlib import closing
from queue import SimpleQueue

import pytest

from aiserver_tray.engine.values import Usage
from aiserver_tray.features.monitoring import sampler
from aiserver_tray.features.monitoring.sampler import RecentUsage, Watching
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.state.facts import ContainersListed
from aiserver_tray.state.store import Store
from tests.support.made import UP, container

LIMIT = 30.0


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
