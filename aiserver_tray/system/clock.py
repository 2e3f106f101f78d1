"""Monotonic clocks."""

import ctypes
import sys
import time


def awake() -> float:
    """Seconds of a clock that stops while the machine sleeps, so that sleep does not use up
    timeouts."""
    if sys.platform == "win32":
        # time.monotonic does not stop there:
        # https://learn.microsoft.com/windows/win32/api/realtimeapiset/nf-realtimeapiset-queryunbiasedinterrupttime
        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 1e7
    return time.monotonic()
