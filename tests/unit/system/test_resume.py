"""Noticing sleep. The clock is a fake that jumps: no test can put the machine to sleep."""

import threading
import time
from contextlib import closing

import pytest

from aiserver_tray.system.clock import ResumeWatch, clock


class Clock:
    """A fake clock, real but for the sleep that it adds."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.asked = threading.Semaphore(0)

    def __call__(self) -> float:
        answer = clock() + self.slept
        self.asked.release()  # what is set from now on is in a later answer
        return answer


@pytest.fixture
def now() -> Clock:
    return Clock()


def test_a_sleep_is_reported_once(now: Clock) -> None:
    told = threading.Semaphore(0)
    watch = ResumeWatch(told.release, now=now, interval=0.01)
    watch.start()
    with closing(watch):
        now.asked.acquire()  # as it was made
        now.slept = 3600
        assert told.acquire(timeout=30)
        for _ in range(6):
            now.asked.acquire()
        assert not told.acquire(blocking=False)


def test_a_check_reports_a_sleep_at_once_and_only_once_and_a_slow_machine_is_none(
    now: Clock,
) -> None:
    told = threading.Semaphore(0)
    watch = ResumeWatch(told.release, now=now, interval=0.01)
    watch.check()
    assert not told.acquire(blocking=False)
    now.slept = 3600
    watch.check()
    assert told.acquire(blocking=False)
    watch.start()
    with closing(watch):
        for _ in range(8):
            now.asked.acquire()
            now.slept += 1
    assert not told.acquire(blocking=False)


def test_a_sleep_before_it_waits_again_is_reported(now: Clock) -> None:
    told = threading.Semaphore(0)

    def resumed() -> None:
        told.release()
        now.slept = 7200

    watch = ResumeWatch(resumed, now=now, interval=0.01)
    now.slept = 3600
    watch.start()
    with closing(watch):
        for _ in range(2):
            assert told.acquire(timeout=30)


def test_the_clock_goes_on_by_itself() -> None:
    began = time.monotonic()
    before = clock()
    while time.monotonic() == began:
        pass
    passed = clock() - before
    assert 0 < passed < time.monotonic() - began + 1
