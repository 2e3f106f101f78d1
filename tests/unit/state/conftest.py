"""A store, and watchers that tell it of engines."""

import threading
from collections.abc import Iterator

import pytest

from aiserver_tray.core.watcher import Watcher
from aiserver_tray.state.store import Store

from .scripted_engine import FakeEngine, Watch


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def watch(store: Store) -> Iterator[Watch]:
    watchers, before = list[Watcher](), set(threading.enumerate())

    def start(engine: FakeEngine, **options: object) -> Watcher:
        watchers.append(Watcher(engine, store, "ours", **options))  # type: ignore[arg-type]
        watchers[-1].start()
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.close()
    new = set(threading.enumerate()) - before
    assert [t.name for t in new if t.name.startswith("watcher")] == []
