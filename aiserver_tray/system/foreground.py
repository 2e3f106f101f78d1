"""Permission to bring a window to the front."""

import ctypes
import sys

_ASFW_ANY = -1


def give_foreground() -> None:
    """Allow other processes to bring a window to the front. On Windows, only the process that the
    user used last can allow this. Any process is allowed: in a virtual environment, the window runs
    in a child process of Python whose ID is unknown."""
    if sys.platform == "win32":
        ctypes.windll.user32.AllowSetForegroundWindow(_ASFW_ANY)
