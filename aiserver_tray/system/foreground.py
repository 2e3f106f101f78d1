"""Whose window may come to the front."""

import ctypes
import sys

_ASFW_ANY = -1


def give_foreground() -> None:
    """Let another process bring a window to the front, which on Windows only the process that the
    user dealt with last can allow. Whichever: the Python of a virtual environment runs the window
    in a child whose id we don't have."""
    if sys.platform == "win32":
        ctypes.windll.user32.AllowSetForegroundWindow(_ASFW_ANY)
