"""Whether there is a desktop."""

import os
import sys


def has_desktop() -> bool:
    """Whether this process belongs to a desktop's session: on a Unix it may belong to none."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
