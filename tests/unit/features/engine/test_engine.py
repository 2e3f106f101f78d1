"""Starting the engine: once, however many ask, and for all to see. What starts it is a fake."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore

import pytest

from aiserver_tray.base.errors import CancelledError, EngineDownError
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.engine import channels as engine
from aiserver_tray.features.engine.channels import EngineFeature
from aiserver_tray.protocol.channel import handlers_of
from aiserver_tray.protocol.message import Caller, Json, Peer
from aiserver_tray.state.facts import EngineDown, EngineUp
from aiserver_tray.system import engine_start
from tests.support.limits import LIMIT
from tests.support.places import place

CALLER = Caller(Peer("window", "en", lambda _message: None), "en")


class Starter:
    """Takes the place of `engine_start.start_engine`: works until ``may_end``."""

    def __init__(self) -> None:
        self.starts = 0
        self.may_end = Event()
        self.failure: Exception | None = None

    def __call__(self, _host: str, _ping: Callable[[], None], cancelled: Event) -> None:
        self.starts += 1
        while not self.may_end.wait(0.01):
            if cancelled.is_set():
                raise CancelledError
        if self.failure:
            raise self.failure


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> Starter:
    starter = Starter()
    monkeypatch.setattr(engine_start, "start_engine", starter)
    monkeypatch.setattr(engine, "_UP_TIMEOUT_SECONDS", 0.01)
    return starter


@pytest.fixture
def core(app: App) -> Iterator[Core]:
    with app.core() as core:
        yield core


class Clients:
    """Three that ask for a start at the same time, each in a thread of its own."""

    def __init__(self, channels: EngineFeature, waiting: Semaphore) -> None:
        self.channels = channels
        self._waiting = waiting
        self._threads = ThreadPoolExecutor(3)

    def ask(self) -> list[Future[Json]]:
        """Their answers to be, once all of them wait."""
        start = handlers_of([self.channels])["ai/docker/startDocker"]
        asked = [self._threads.submit(start.answer, None, CALLER) for _ in range(3)]
        assert all(self._waiting.acquire(timeout=LIMIT) for _ in asked)
        return asked

    def close(self) -> None:
        self.channels.close()
        self._threads.shutdown()


@pytest.fixture
def clients(
    app: App, core: Core, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clients]:
    waiting = Semaphore(0)

    class Noted(Future[None]):
        def result(self, timeout: float | None = None) -> None:
            waiting.release()
            super().result(timeout)

    monkeypatch.setattr(engine, "Future", Noted)
    clients = Clients(EngineFeature(place(app, core)), waiting)
    yield clients
    starter.may_end.set()
    clients.close()


def shows(core: Core, *, starting: bool) -> None:
    core.store.wait_until(lambda seen: seen.engine.starting == starting, LIMIT)


def test_a_start_under_way_is_joined(core: Core, clients: Clients, starter: Starter) -> None:
    asked = clients.ask()
    shows(core, starting=True)
    assert not any(one.done() for one in asked)
    starter.may_end.set()
    assert [one.result(LIMIT) for one in asked] == [{}] * 3
    shows(core, starting=False)
    assert starter.starts == 1


def test_a_failed_start_is_told_to_all(core: Core, clients: Clients, starter: Starter) -> None:
    starter.failure = EngineDownError("unix:///nowhere.sock", "refused")
    asked = clients.ask()
    shows(core, starting=True)
    starter.may_end.set()
    assert [one.exception(LIMIT) for one in asked] == [starter.failure] * 3
    shows(core, starting=False)
    starter.failure = None
    assert clients.ask()[0].result(LIMIT) == {}
    assert starter.starts > 1, "another start"


def test_next_engine_start_shows_how_long_the_last_one_took(
    core: Core, clients: Clients, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 25.0, 30.0, 40.0])
    monkeypatch.setattr(engine, "awake", lambda: next(clock))
    starter.may_end.set()
    clients.ask()[0].result(LIMIT)
    starter.may_end.clear()
    asked = clients.ask()
    shows(core, starting=True)
    known = core.store.snapshot.engine
    assert (known.usual_start, known.start_begun is not None) == (25.0, True)
    starter.may_end.set()
    asked[0].result(LIMIT)


def test_a_start_lasts_until_the_engine_answers(core: Core, clients: Clients) -> None:
    asked = clients.ask()
    shows(core, starting=True)
    core.store.put(EngineDown(EngineDownError("unix:///nowhere.sock", "another reason")))
    core.store.flush()
    assert core.store.snapshot.engine.starting
    core.store.put(EngineUp("E", "1", 2, 1 << 30))
    shows(core, starting=False)
    clients.channels.close()
    assert all(isinstance(one.exception(LIMIT), CancelledError) for one in asked)
