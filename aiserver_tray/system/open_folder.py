"""Showing a folder in the desktop's file manager."""

import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.desktop import has_desktop

_PROGRAM = {"win32": "explorer", "darwin": "open"}.get(sys.platform, "xdg-open")


def can_open_folder() -> bool:
    """Whether there is a desktop with a file manager."""
    return has_desktop() and shutil.which(_PROGRAM) is not None


def open_folder(folder: Path) -> None:
    """Show *folder* in the file manager. Returns at once.

    Raises:
        SettingError: there is none.
    """
    try:
        if not can_open_folder():
            raise FileNotFoundError(_PROGRAM)
        process = subprocess.Popen([_PROGRAM, str(folder)], start_new_session=True)
    except OSError as error:
        why = Text("no file manager was found. Open this folder yourself")
        raise SettingError(str(folder), why) from error
    # Some file managers run until their window is closed.
    Thread(target=process.wait, name="file-manager", daemon=True).start()
