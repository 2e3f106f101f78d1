"""Cancelling ends what waits."""

import threading

from aiserver_tray.engine.cancellation import Cancellation


def test_cancellation_closes_open_requests() -> None:
    cancelled, ended = Cancellation(), list[str]()
    with cancelled.closes(lambda: ended.append("over")):
        pass
    with cancelled.closes(lambda: ended.append("open")):
        cancelled.set()
    assert (ended, cancelled.is_set()) == (["open"], True)


def test_request_after_the_cancellation_is_closed_at_once() -> None:
    cancelled, ended = Cancellation(), threading.Event()
    cancelled.set()
    with cancelled.closes(ended.set):
        assert ended.is_set()


def test_it_is_an_event_that_others_may_wait_for() -> None:
    cancelled = Cancellation()
    threading.Thread(target=cancelled.set).start()
    assert cancelled.wait(30)
