"""Whose window may come to the front."""

import ctypes
import sys


def give_foreground(pid: int) -> None:
    """Let the process *pid* bring a window to the front, which on Windows only the process that
    the user dealt with last can allow."""
    if sys.platform == "win32":
        ctypes.windll.user32.AllowSetForegroundWindow(pid)
