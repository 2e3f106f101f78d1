"""The language of the user's desktop or shell."""

import locale
import os
import sys

from aiserver_tray.i18n import Language

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def system_language() -> Language:
    """Chinese where the user's system speaks it, else English."""
    return "zh" if _name().lower().startswith(("zh", "chinese")) else "en"


def _name() -> str:
    """The locale's name: the shell's, else the desktop's."""
    for variable in _VARIABLES:
        if name := os.environ.get(variable):
            return name
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - its windll is on Windows only

        # https://learn.microsoft.com/windows/win32/api/winnls/nf-winnls-getuserdefaultuilanguage
        number = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return locale.windows_locale.get(number, "")
    return locale.getlocale()[0] or ""
