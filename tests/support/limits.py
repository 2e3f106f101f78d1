"""Limits of time. What is awaited comes soon, so a limit only ends what hangs: it is generous, and
longer while the machine is busy."""

import os

import psutil

from developer.machine import workers

SECONDS = 180.0
"""In which what is awaited has happened, where the tests are alone on the machine."""
LOAD = "AISERVER_TEST_LOAD"
"""Environment variable: how many busy processes run beside the tests (``build/dev.py soak``)."""


def factor() -> float:
    """How much longer each limit is now. It is 1 up to the load that the tests make themselves."""
    usual = workers()
    expected = usual + float(os.environ.get(LOAD, "0"))
    return max(expected, psutil.getloadavg()[0]) / usual


def stretched(seconds: float = SECONDS) -> float:
    """The limit of *seconds*, as long as it has to be now."""
    return seconds * factor()


LIMIT = stretched()
"""Seconds after which what has not happened is a failure."""
