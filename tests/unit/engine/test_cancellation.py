"""Cancelling ends what waits."""

import threading

from aiserver_tray.engine.cancellation import Cancellation


def test_setting_it_ends_what_is_registered_then() -> None:
    cancelled, ended = Cancellation(), list[str]()
    with cancelled.closes(lambda: ended.append("over")):
        pass
    with cancelled.closes(lambda: ended.append("open")):
        cancelled.set()
    assert (ended, cancelled.is_set()) == (["open"], True)


def test_what_comes_after_it_is_ended_at_once() -> None:
    cancelled, ended = Cancellation(), threading.Event()
    cancelled.set()
    with cancelled.closes(ended.set):
        assert ended.is_set()


def test_it_is_an_event_that_others_may_wait_for() -> None:
    cancelled = Cancellation()
    threading.Thread(target=cancelled.set).start()
    assert cancelled.wait(10)
