"""The watcher against a scripted engine: what a real one can't be made to do at will."""

import logging
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from aiserver_tray.engine.values import ContainerSummary, EngineInfo, Event
from aiserver_tray.engine.watcher import BACK_OFF, Watcher
from aiserver_tray.errors import EngineDownError, EngineRequestError, ObjectNotFoundError
from aiserver_tray.model import Container, Snapshot
from aiserver_tray.state.store import Store

from .made import container, ended

LIMIT = 10.0
INFO = EngineInfo("ENGINE", "26.1.5", (1, 45), 2, 1 << 30, "/data", "Debian", True, True)  # noqa: FBT003


class Events:
    """A stream that the test fills; an exception in it is raised."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Event | Exception | None] = SimpleQueue()

    def __iter__(self) -> Iterator[Event]:
        while (item := self.queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        self.queue.put(None)


class FakeEngine:
    """An engine that has *found*, notes what it is asked, and does what the test prepares."""

    host = "here"

    def __init__(self, *found: Container) -> None:
        self.found = {one.id: one for one in found}
        self.asked: list[str] = []
        self.failures: list[Exception] = []
        self.before_inspect: Callable[[str], object] = lambda _: None
        self.stream = Events()

    @property
    def containers(self) -> "FakeEngine":
        return self

    def info(self) -> EngineInfo:
        self.asked.append("info")
        return INFO

    def events(self, installation: str) -> Events:
        self.asked.append(f"events {installation}")
        if self.failures:
            raise self.failures.pop(0)
        self.stream = Events()
        return self.stream

    def summaries(self, installation: str | None = None) -> list[ContainerSummary]:
        self.asked.append(f"list {installation}")
        return [
            ContainerSummary(c.id, c.name, {}, c.status, health, c.image, c.image_id, c.ports)
            for c in self.found.values()
            # The list tells the health of those that run alone.
            for health in (c.health if c.status == "running" else "none",)
        ]

    def inspect(self, name_or_id: str) -> Container:
        self.asked.append(f"inspect {name_or_id}")
        self.before_inspect(name_or_id)
        if name_or_id not in self.found:
            raise ObjectNotFoundError(404, f"No such container: {name_or_id}")
        return self.found[name_or_id]

    def happens(self, action: str, id: str) -> None:
        self.stream.queue.put(Event("container", id, action, "", {}, 0))


class Delays(tuple[float, ...]):
    """Seconds that notes which of them is asked for."""

    asked: list[int]

    def __getitem__(self, index: int) -> float:  # type: ignore[override]
        self.asked.append(index)
        return super().__getitem__(index)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def watch(store: Store) -> Iterator[Callable[..., Watcher]]:
    watchers: list[Watcher] = []

    def start(engine: FakeEngine, **options: object) -> Watcher:
        watchers.append(Watcher(engine, store, "ours", **options))  # type: ignore[arg-type]
        watchers[-1].start()
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.close()
    assert [t.name for t in threading.enumerate() if t.name.startswith("watcher")] == []


Watch = Callable[..., Watcher]


def until(store: Store, predicate: Callable[[Snapshot], bool]) -> Snapshot:
    return store.wait_until(predicate, LIMIT)


def until_up(store: Store) -> Snapshot:
    return until(store, lambda snapshot: snapshot.engine.running)


def until_known(store: Store, count: int) -> None:
    until(store, lambda snapshot: sum(len(m.services) for m in snapshot.modules) == count)


def test_it_subscribes_before_it_lists(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"))
    watch(engine)
    up = until_up(store)
    assert engine.asked == ["events ours", "list ours", "inspect 1", "info"]
    assert (up.engine.id, up.engine.version) == ("ENGINE", "26.1.5")
    assert up.modules[0].services[0].state == "running"


def test_what_happens_during_the_list_is_not_lost(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"))

    def begin(id: str) -> None:
        engine.before_inspect = lambda _: None
        engine.found["2"] = container("web/other", id="2")
        engine.happens("start", "2")

    engine.before_inspect = begin
    watch(engine)
    until_known(store, 2)


def test_one_that_goes_during_the_list_is_left_out(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"), container("web/other", id="2"))
    engine.before_inspect = lambda _: engine.found.pop("2", None)
    watch(engine)
    until_up(store)
    until_known(store, 1)


def test_events_that_arrive_while_it_asks_merge(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"), container("web/b", id="2"))
    watch(engine)
    until_up(store)
    engine.asked.clear()
    waits, goes_on = threading.Event(), threading.Event()

    def hold(id: str) -> None:
        waits.set()
        assert goes_on.wait(LIMIT)

    engine.before_inspect = hold
    engine.happens("start", "1")
    assert waits.wait(LIMIT)
    for _ in range(20):
        engine.happens("health_status", "2")
        engine.happens("die", "1")
    engine.found["3"] = container("web/c", id="3")
    engine.happens("create", "3")
    goes_on.set()
    until_known(store, 3)
    assert engine.asked[:2] == ["inspect 1", "inspect 2"]
    assert engine.asked.count("inspect 2") <= 2
    assert engine.asked.count("inspect 1") <= 3


def test_a_container_that_is_gone_is_not_asked_for(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"))
    watch(engine)
    until_up(store)
    engine.asked.clear()
    engine.happens("destroy", "1")
    until_known(store, 0)
    assert engine.asked == []


def test_one_that_went_before_it_was_asked_for_is_gone(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"))
    watch(engine)
    until_up(store)
    engine.found.clear()
    engine.happens("die", "1")
    until_known(store, 0)


def test_an_answer_that_makes_no_sense_costs_only_itself(
    store: Store, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = FakeEngine(container(id="1"))
    watch(engine)
    until_up(store)

    def refuse(id: str) -> None:
        if id == "1":
            raise EngineRequestError(500, "odd")

    engine.before_inspect = refuse
    engine.found["2"] = container("web/other", id="2")
    with caplog.at_level(logging.WARNING):
        engine.happens("die", "1")
        engine.happens("start", "2")
        until_known(store, 2)
    assert "could not inspect container 1" in caplog.text


def test_one_that_makes_no_sense_in_the_list_does_not_hide_the_others(
    store: Store, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = FakeEngine(container(id="1"), container("web/other", id="2"))

    def refuse(id: str) -> None:
        if id == "1":
            raise EngineRequestError(500, "odd")

    engine.before_inspect = refuse
    with caplog.at_level(logging.WARNING):
        watch(engine)
        until_up(store)
    assert [found.id for found in store.state.containers.values()] == ["2"]
    assert "could not inspect container 1" in caplog.text


class TestSafetyNet:
    def test_finds_what_no_event_told(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine(
            container("web/same", id="1"),
            container("web/gone", id="2"),
            container("web/ended", id="3"),
            container("web/sick", id="4", health="healthy"),
            ended("web/over", id="5", health="unhealthy"),
        )
        watch(engine, relist=0.05)
        until_up(store)
        engine.asked.clear()
        engine.found["3"] = ended("web/ended", id="3", exit_code=1)
        engine.found["4"] = container("web/sick", id="4", health="unhealthy")
        engine.found["6"] = container("web/new", id="6")
        del engine.found["2"]
        until(
            store,
            lambda s: (
                {v.name: (v.state, v.health) for v in s.modules[0].services if v.name != "same"}
                == {
                    "ended": ("exited", "none"),
                    "sick": ("running", "unhealthy"),
                    "over": ("exited", "unhealthy"),
                    "new": ("running", "none"),
                }
            ),
        )
        assert {a for a in engine.asked if a.startswith("inspect")} == {
            "inspect 2", "inspect 3", "inspect 4", "inspect 6",
        }, "what is as it was is not asked for"  # fmt: skip

    def test_takes_none_for_gone_by_a_list_that_lags_behind(
        self, store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = FakeEngine(container(id="1"))
        watch(engine, relist=0.05)
        until_up(store)
        asked = threading.Event()
        engine.before_inspect = lambda _id: asked.set()
        monkeypatch.setattr(engine, "summaries", lambda _installation=None: [])
        assert asked.wait(LIMIT)
        store.flush()
        assert "ai-web-app" in store.state.containers

    def test_is_one_question_where_nothing_changed(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine(container(id="1"), ended("web/b", id="2", health="unhealthy"))
        watch(engine, relist=0.01)
        until_up(store)
        engine.asked.clear()
        while len(engine.asked) < 3:
            threading.Event().wait(0.01)
        assert set(engine.asked) == {"list ours"}


def test_a_refresh_asks_for_everything(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"))
    seen: list[bool] = []
    watcher = watch(engine)
    until_up(store)
    store.observe(lambda state: seen.append(state.engine.running))
    silent = engine.stream
    engine.found["1"] = container(id="1", restart_count=3)
    watcher.refresh()
    until(store, lambda _: store.state.containers["ai-web-app"].restart_count == 3)
    assert engine.stream is not silent
    engine.found["2"] = container("web/other", id="2")
    engine.happens("start", "2")
    until_known(store, 2)
    assert all(seen), "the engine was never away"


class TestLostEngine:
    def test_is_told_and_sought_again_ever_more_slowly(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine(container(id="1"))
        engine.failures = [EngineDownError("here", str(number)) for number in range(5)]
        delays = Delays((0.0,) * 3)
        delays.asked = []
        reasons: list[str] = []
        store.observe(lambda state: reasons.append(str(state.engine.error)))
        watch(engine, back_off=delays)
        until_up(store)
        assert [f"({number})" in text for number, text in enumerate(reasons[1:6])] == [True] * 5
        assert delays.asked == [0, 1, 2, 2, 2]
        engine.failures = [EngineDownError("here", "refused")]
        engine.stream.queue.put(EngineDownError("here", "reset"))
        down = until(store, lambda snapshot: not snapshot.engine.running)
        assert "reset" in str(down.engine.error)
        until_up(store)
        assert delays.asked[5:] == [0, 1], "a connection that stood begins anew"

    def test_is_one_whose_events_end_without_a_word(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine(container(id="1"))
        watch(engine, back_off=(0.0,))
        until_up(store)
        engine.stream.queue.put(None)
        down = until(store, lambda snapshot: not snapshot.engine.running)
        assert down.engine.error is not None
        assert down.engine.error.code == "E_ENGINE_DOWN"
        until_up(store)

    def test_is_one_that_is_lost_while_it_is_asked(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine(container(id="1"))
        watch(engine, back_off=(0.0,))
        until_up(store)

        def fail(id: str) -> None:
            engine.before_inspect = lambda _: None
            raise EngineDownError("here", "reset")

        engine.before_inspect = fail
        engine.happens("die", "1")
        until(store, lambda snapshot: not snapshot.engine.running)
        until_up(store)
        engine.found["2"] = container("web/other", id="2")
        engine.happens("start", "2")
        until_known(store, 2)
        assert engine.asked.count("events ours") == 2, "the end of the old events is no news"

    def test_is_also_one_that_we_do_not_understand(
        self, store: Store, watch: Watch, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = FakeEngine(container(id="1"))
        engine.failures = [KeyError("password-of-somebody")]
        with caplog.at_level(logging.ERROR):
            watch(engine, back_off=(0.0,))
            down = until(store, lambda snapshot: snapshot.engine.error is not None)
            until_up(store)
        assert down.engine.error is not None
        assert down.engine.error.code == "E_RUNTIME"
        assert "KeyError, test_watching.py:" in str(down.engine.error)
        assert "KeyError" in caplog.text
        assert "in events" in caplog.text, "where it happened"
        assert "password-of-somebody" not in caplog.text + str(down.engine.error)

    def test_is_tried_at_once_on_request(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine(container(id="1"))
        engine.failures = [EngineDownError("here", "refused")]
        watcher = watch(engine, back_off=(600.0,))
        until(store, lambda snapshot: snapshot.engine.error is not None)
        watcher.refresh()
        until_up(store)

    def test_the_end_does_not_wait_for_the_next_attempt(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine()
        engine.failures = [EngineDownError("here", "refused")]
        watcher = watch(engine, back_off=(600.0,))
        until(store, lambda snapshot: snapshot.engine.error is not None)
        watcher.close()
        assert engine.asked == ["events ours"]

    def test_is_sought_after_1_s_doubling_to_30_s(self) -> None:
        assert BACK_OFF == (1, 2, 4, 8, 16, 30)


def test_the_end_is_no_loss_of_the_engine(store: Store, watch: Watch) -> None:
    watcher = watch(FakeEngine(container(id="1")))
    until_up(store)
    watcher.close()
    store.close()
    assert store.snapshot.engine.running


def test_closing_one_that_never_began_does_no_harm(store: Store) -> None:
    Watcher(FakeEngine(), store, "ours").close()
