"""Cancelling ends what waits."""

import threading

from aiserver_tray.engine.cancellation import Cancellation


def test_cancelling_closes_open_requests_and_those_that_come_later() -> None:
    cancelled, ended = Cancellation(), list[str]()
    with cancelled.closes(lambda: ended.append("over")):
        pass
    with cancelled.closes(lambda: ended.append("open")):
        cancelled.set()
    assert (ended, cancelled.is_set()) == (["open"], True)
    # Request after the cancellation is closed at once.
    cancelled, closed = Cancellation(), threading.Event()
    cancelled.set()
    with cancelled.closes(closed.set):
        assert closed.is_set()
    # Others may wait for it.
    cancelled = Cancellation()
    threading.Thread(target=cancelled.set).start()
    assert cancelled.wait(30)
