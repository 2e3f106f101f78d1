"""Clocks that nobody sets."""

import ctypes
import sys
import time


def awake() -> float:
    """Seconds of a clock that stands still while the machine sleeps, so that no sleep makes a wait
    too long."""
    if sys.platform == "win32":
        # time.monotonic goes on there:
        # https://learn.microsoft.com/windows/win32/api/realtimeapiset/nf-realtimeapiset-queryunbiasedinterrupttime
        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 1e7
    return time.monotonic()
