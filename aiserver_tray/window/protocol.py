"""The protocol between the tray and its windows' processes: command line, stdin, stdout, exit
status. A window's process exits when its stdin closes, because the tray is gone."""

from enum import IntEnum
from typing import Final

SHOW: Final = "show"
"""A line ``show PAGE``: come to the front with that page; ``show`` alone: keep the page."""

SHOWN: Final = "shown"
"""A line on stdout for each of those that was obeyed. One that comes while the window closes is
not, and then the tray opens it again."""

PROGRAMS: Final = {
    "dashboard": "aiserver_tray.window.dashboard",
    "module": "aiserver_tray.window.module_page",
}
"""Kind of window -> what ``python -m`` runs; the bundle's executable takes ``window KIND``."""


class Exit(IntEnum):
    """Exit status of a window's process; any other means that it crashed."""

    CLOSED = 0
    NO_BROWSER = 3
    """No browser engine; the last line on stderr names what is missing."""
    CRASHED = 4
    """The browser engine's own processes died."""
