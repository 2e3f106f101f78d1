"""Whether there is a desktop."""

import os
import sys


def has_desktop() -> bool:
    """Whether this process belongs to a desktop session. On Unix, it may not."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
