"""The store: facts from any thread, one writer, observers told of every state."""

import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from aiserver_tray.state.facts import ContainerGone, ContainerSeen, DesiredChanged
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import Snapshot
from tests.support.limits import LIMIT
from tests.support.made import UP, container


def test_facts_of_many_threads_are_all_taken_in(store: Store) -> None:
    def put(thread: int) -> None:
        for number in range(100):
            store.put(ContainerSeen(container(f"m{thread}/s{number}")))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(8)))
    store.close()
    assert len(store.state.containers) == 800
    assert store.state.seq == 800


def test_close_takes_in_facts_that_were_put_before_it() -> None:
    before = set(threading.enumerate())
    store = Store()
    store.put(UP)
    store.close()
    assert store.snapshot.engine.running
    assert not [t for t in threading.enumerate() if t.name == "store" and t not in before]


def test_an_observer_gets_the_current_state_and_then_every_one_in_order(store: Store) -> None:
    store.put(UP)
    seen: list[State] = []
    threads: set[str] = set()

    def note(state: State) -> None:
        seen.append(state)
        threads.add(threading.current_thread().name)

    store.observe(note)
    for number in range(50):
        store.put(DesiredChanged(frozenset({str(number)})))
    for _ in range(3):
        store.put(UP)
    store.put(ContainerGone("unknown"))
    store.close()
    assert [state.seq for state in seen] == list(range(1, 52)), "what changes nothing is no news"
    assert threads == {"store"}
    assert not any("snapshot" in vars(state) for state in seen), "it is built only if it is read"


def test_observer_that_left_is_not_called_for_earlier_facts(store: Store) -> None:
    seen: list[State] = []
    busy, goes_on = threading.Event(), threading.Event()
    leave = store.observe(seen.append)

    def hold(_: State) -> None:
        busy.set()
        assert goes_on.wait(LIMIT)

    store.observe(hold)
    assert busy.wait(LIMIT)
    store.put(UP)
    leave()
    goes_on.set()
    store.close()
    assert [state.seq for state in seen] == [0]


def test_an_observer_that_fails_harms_nobody(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(state: State) -> None:
        raise ValueError(secret)

    secret = "password-of-somebody"

    seen: list[State] = []
    store.observe(fail)
    store.observe(seen.append)
    with caplog.at_level(logging.ERROR):
        store.put(UP)
        store.close()
    assert [state.seq for state in seen] == [0, 1]
    assert "ValueError" in caplog.text
    assert "in fail" in caplog.text, "where it happened"
    assert secret not in caplog.text


class TestWaiting:
    def test_returns_the_first_that_will_do_though_it_has_passed(self, store: Store) -> None:
        found: list[Snapshot] = []
        looked = threading.Event()

        def wanted(snapshot: Snapshot) -> bool:
            looked.set()
            return snapshot.seq == 2

        waiting = threading.Thread(target=lambda: found.append(store.wait_until(wanted, LIMIT)))
        waiting.start()
        assert looked.wait(LIMIT)
        for number in range(9):
            store.put(DesiredChanged(frozenset({str(number)})))
        waiting.join(LIMIT)
        assert [snapshot.seq for snapshot in found] == [2]

    def test_ends_when_its_time_is_over_or_its_predicate_fails(self, store: Store) -> None:
        with pytest.raises(TimeoutError):
            store.wait_until(lambda _: False, 0.01)
        with pytest.raises(ZeroDivisionError):
            store.wait_until(lambda snapshot: bool(1 // snapshot.seq), LIMIT)
        store.put(UP)
        assert store.wait_until(lambda snapshot: snapshot.engine.running, LIMIT)

    def test_leaves_no_observer_behind(self, store: Store) -> None:
        asked: list[int] = []

        def at_once(snapshot: Snapshot) -> bool:
            asked.append(snapshot.seq)
            return True

        assert store.wait_until(at_once, LIMIT).seq == 0
        store.put(UP)
        store.close()
        assert asked == [0]

    def test_ends_with_the_store(self, store: Store) -> None:
        looked = threading.Event()
        ends: list[str] = []

        def never(_: Snapshot) -> bool:
            looked.set()
            return False

        def wait() -> None:
            with pytest.raises(RuntimeError) as caught:
                store.wait_until(never)
            ends.append(str(caught.value))

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert looked.wait(LIMIT)
        store.close()
        waiting.join(LIMIT)
        assert ends == ["the store was closed"]
        with pytest.raises(RuntimeError, match="closed"):
            store.wait_until(lambda _: True)

    def test_is_refused_in_an_observer(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        store.observe(lambda _: store.wait_until(lambda _: True))
        with caplog.at_level(logging.ERROR):
            store.close()
        assert "RuntimeError" in caplog.text


def test_closing_twice_or_from_an_observer_does_no_harm(store: Store) -> None:
    store.observe(lambda _: store.close())
    store.close()
    store.close()


def test_ctrl_c_in_a_wait_leaves_nothing_locked(store: Store) -> None:
    asked, interrupted = threading.Event(), threading.Event()

    def trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself
        # Python has a lock by then, and does not know yet that it is to give it back.
        if event == "return" and frame.f_code is threading.Condition.__enter__.__code__:
            asked.wait(LIMIT)
            interrupted.set()
            raise KeyboardInterrupt
        return trace

    def predicate(_: Snapshot) -> bool:
        asked.set()
        interrupted.wait(0.5)
        return True

    sys.settrace(trace)
    try:
        with suppress(KeyboardInterrupt):
            store.wait_until(predicate)
    finally:
        sys.settrace(None)
    store.wait_until(lambda _: True, LIMIT)
