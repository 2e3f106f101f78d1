"""The application ID that Windows knows the installed applet by. The shortcut in the Start menu has
it, too: so notifications get our name, and windows one button on the task bar."""

import ctypes
import sys
from typing import Final

APP_ID: Final = "AIServerTray.AIServerTray"


def claim() -> None:
    """Give this process the ID, if it is one of the bundle: without the shortcut, Windows would
    show the ID itself."""
    if sys.platform == "win32" and getattr(sys, "frozen", False):
        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(APP_ID)
