"""Taking no more memory than is needed."""

import ctypes
import sys

_M_ARENA_MAX = -8
"""From ``<malloc.h>``."""


def share_heap() -> None:
    """Make all threads allocate from one heap. Otherwise each of the first threads gets its own,
    which keeps megabytes in a process whose threads mostly wait. Must be called before any thread
    starts."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt:
            mallopt(_M_ARENA_MAX, 1)
