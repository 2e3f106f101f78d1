"""Addresses of the dashboard's pages, such as ``logs/n8n?level=error``."""

import re
from typing import Final

HOME: Final = "home"

TABS: Final = ("overview", "services", "logs", "resources", "settings", "backups")
"""The tabs of a module's page."""

PAGES: Final = {
    HOME: HOME,
    "modules": "modules/MODULE[/TAB]",
    "logs": "logs[/MODULE]",
    "monitoring": "monitoring[/MODULE]",
    "activity": "activity[/ID]",
    "settings": "settings[/SECTION]",
    "doctor": "doctor",
    "welcome": "welcome",
}
"""Page -> its addresses. Each may have filters: ``?filter=value&…``."""

_PART: Final = r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,127}"
_PATHS: Final = (
    f"modules/{_PART}(/({'|'.join(TABS)}))?",
    f"(logs|monitoring|activity|settings)(/{_PART})?",
    "home|doctor|welcome",
)
PATTERN: Final = rf"^({'|'.join(_PATHS)})(\?[A-Za-z0-9_.~%+&=*:,-]{{0,1024}})?$"
"""What an address matches."""


def is_address(text: str) -> bool:
    """Whether *text* is the address of a page."""
    return bool(re.fullmatch(PATTERN, text))
