"""The watcher against a scripted engine: what a real one can't be made to do at will."""

import logging
import threading
import time

import pytest

from aiserver_tray.base.errors import EngineRequestError
from aiserver_tray.core.watcher import Watcher
from aiserver_tray.state.facts import ContainerSeen
from aiserver_tray.state.store import Store
from tests.support.limits import LIMIT
from tests.support.made import container, ended
from tests.support.waiting import eventually

from .scripted_engine import FakeEngine, Watch, until, until_known, until_up


def test_it_subscribes_before_it_lists(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"))
    watch(engine)
    up = until_up(store)
    assert engine.asked == ["events ours", "info", "list ours", "inspect 1"]
    assert (up.engine.id, up.engine.version) == ("ENGINE", "26.1.5")
    assert up.modules[0].services[0].state == "running"


def test_what_happens_during_the_listing_counts(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"), container("web/goes", id="2"))

    def meanwhile(_: str) -> None:
        engine.before_inspect = lambda _: None
        engine.found.pop("2")
        engine.found["3"] = container("web/event", id="3")
        engine.happens("start", "3")
        made = container("web/operation", id="4", asked_at=time.monotonic())
        store.put(ContainerSeen(made))

    engine.before_inspect = meanwhile
    watch(engine)
    until_up(store)
    until_known(store, 3)
    assert {*store.state.containers} == {"ai-web-app", "ai-web-event", "ai-web-operation"}


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


def test_a_container_that_is_gone_is_known_to_be(store: Store, watch: Watch) -> None:
    engine = FakeEngine(container(id="1"), container("web/other", id="2"))
    watch(engine)
    until_up(store)
    engine.asked.clear()
    engine.happens("destroy", "1")
    until_known(store, 1)
    assert engine.asked == [], "it is not asked for"
    engine.found.clear()
    engine.happens("die", "2")
    until_known(store, 0)


def test_an_answer_that_makes_no_sense_costs_only_itself(
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
        caplog.clear()
        engine.found["3"] = container("web/third", id="3")
        engine.happens("die", "1")
        engine.happens("start", "3")
        until_known(store, 2)
    assert "could not inspect container 1" in caplog.text


class TestSafetyNet:
    def test_listing_finds_changes_without_an_event(self, store: Store, watch: Watch) -> None:
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
        eventually(lambda: len(engine.asked) >= 3, "three questions")
        assert set(engine.asked) == {"list ours"}


def test_an_engine_on_which_nothing_runs_is_left_alone_until_it_is_needed(
    store: Store, watch: Watch
) -> None:
    engine = FakeEngine(ended("web/b", id="2"))
    rests = [False]
    watcher = watch(engine, relist=0.01, may_rest=lambda: rests[0])
    until_up(store)
    rests[0] = True
    until(store, lambda _: not store.state.engine.running)
    assert "because no module runs" in str(store.state.engine.error)
    engine.asked.clear()
    threading.Event().wait(0.1)  # longer than any pause of this test
    assert not engine.asked
    engine.found["1"] = container(id="1")
    watcher.refresh()
    until_up(store)
    until_known(store, 2)
    engine.asked.clear()
    eventually(lambda: len(engine.asked) >= 3, "three questions")
    assert store.state.engine.running, "something runs"


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


def test_closing_one_that_never_began_does_no_harm(store: Store) -> None:
    Watcher(FakeEngine(), store, "ours").close()
