"""Taking no more memory than is needed."""

import ctypes
import sys

_M_ARENA_MAX = -8
"""Of ``<malloc.h>``."""


def share_heap() -> None:
    """Let all threads allocate from one heap. Else each of the first few gets one of its own, where
    a little of everything stays: megabytes, in a process whose threads mostly wait. To be called
    before they begin."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt:
            mallopt(_M_ARENA_MAX, 1)
