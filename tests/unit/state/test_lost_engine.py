"""How the watcher loses an engine and finds it again: one that can be lost at will."""

import logging

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.core.watcher import Watcher
from aiserver_tray.state.store import Store
from tests.support.made import container

from .scripted_engine import FakeEngine, Watch, lost, until, until_known, until_up


class TestLostEngine:
    def test_is_reported_and_sought_again_ever_more_slowly(
        self, store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = FakeEngine(container(id="1"))
        engine.failures = [EngineDownError("here", str(number)) for number in range(8)]
        pauses: list[float] = []
        monkeypatch.setattr(Watcher, "_pause", lambda _, seconds: pauses.append(seconds))
        reasons: list[str] = []
        store.observe(lambda state: reasons.append(str(state.engine.error)))
        watch(engine)
        until_up(store)
        assert [f"({number})" in text for number, text in enumerate(reasons[1:9])] == [True] * 8
        # As the guide tells it: at the latest every 30 seconds.
        assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
        engine.failures = [EngineDownError("here", "refused")]
        reset = EngineDownError("here", "reset")
        down = lost(store, lambda: engine.stream.queue.put(reset))
        assert "reset" in str(down.engine.error)
        until_up(store)
        assert pauses[8:] == [1, 2], "a connection that stood begins anew"

    def test_is_one_that_is_lost_while_it_is_asked_or_whose_events_end(
        self, store: Store, watch: Watch
    ) -> None:
        engine = FakeEngine(container(id="1"))
        watch(engine, back_off=(0.0,))
        until_up(store)

        def fail(id: str) -> None:
            engine.before_inspect = lambda _: None
            raise EngineDownError("here", "reset")

        engine.before_inspect = fail
        lost(store, lambda: engine.happens("die", "1"))
        until_up(store)
        engine.found["2"] = container("web/other", id="2")
        engine.happens("start", "2")
        until_known(store, 2)
        assert engine.asked.count("events ours") == 2, "the end of the old events is no news"
        # Its events end without a word.
        down = lost(store, lambda: engine.stream.queue.put(None))
        assert down.engine.error is not None
        assert down.engine.error.code == "E_ENGINE_DOWN"
        until_up(store)

    def test_is_also_one_that_we_do_not_understand_and_is_tried_on_request(
        self, store: Store, watch: Watch, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = FakeEngine(container(id="1"))
        engine.failures = [KeyError("password-of-somebody")]
        with caplog.at_level(logging.ERROR):
            watcher = watch(engine, back_off=(600.0,))  # it is to be seen before it is over
            down = until(store, lambda snapshot: snapshot.engine.error is not None)
            watcher.refresh()
            until_up(store)
        assert down.engine.error is not None
        assert down.engine.error.code == "E_RUNTIME"
        assert "KeyError, scripted_engine.py:" in str(down.engine.error)
        assert "KeyError" in caplog.text
        assert "in events" in caplog.text, "where it happened"
        assert "password-of-somebody" not in caplog.text + str(down.engine.error)

    def test_the_end_does_not_wait_for_the_next_attempt(self, store: Store, watch: Watch) -> None:
        engine = FakeEngine()
        engine.failures = [EngineDownError("here", "refused")]
        watcher = watch(engine, back_off=(600.0,))
        until(store, lambda snapshot: snapshot.engine.error is not None)
        watcher.close()
        assert engine.asked == ["events ours"]


def test_the_end_is_no_loss_of_the_engine(store: Store, watch: Watch) -> None:
    watcher = watch(FakeEngine(container(id="1")))
    until_up(store)
    watcher.close()
    store.close()
    assert store.snapshot.engine.running
