"""The language that the user reads the desktop in."""

import locale
import os
import sys
from functools import cache

from aiserver_tray.base.i18n import Language
from aiserver_tray.system.process import output_of

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""POSIX variables for messages; the first one that is not empty counts
(https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02)."""


def system_language() -> Language:
    """The language of the user's shell or desktop if we support it, otherwise English."""
    given = filter(None, map(os.environ.get, _VARIABLES))
    name = next(given, None) or _desktop_locale()
    return "zh" if name.lower().startswith("zh") else "en"


def _desktop_locale() -> str:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - on Windows only

        # Windows language identifiers, such as 0x0804 for zh_CN.
        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return _mac_language() if sys.platform == "darwin" else locale.setlocale(locale.LC_CTYPE)


@cache
def _mac_language() -> str:
    """The first of the user's languages: programs that macOS starts have no language variables.
    Running programs keep their language."""
    printed = output_of("defaults", "read", "-g", "AppleLanguages")  # one a line, in parentheses
    return printed.strip("()\n ").partition(",")[0].strip('"')
