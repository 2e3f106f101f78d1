"""Addresses of the dashboard's pages, such as ``logs/n8n?level=error``.

Only their shape is known here. Which pages there are is written in ``ui/js/pages.js`` alone.
"""

import re
from typing import Final

HOME: Final = "home"

_PAGE: Final = r"[a-z][a-z-]{0,31}"
_PART: Final = r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,127}"
"""Such as a module, or a section of the settings."""
PATTERN: Final = rf"^{_PAGE}(/{_PART}){{0,2}}(\?[A-Za-z0-9_.~%+&=*:,-]{{0,1024}})?$"
"""What an address matches."""


def is_address(text: str) -> bool:
    """Whether *text* has the shape of an address."""
    return bool(re.fullmatch(PATTERN, text))


def page_of(address: str) -> str:
    """The name of the page at *address*."""
    return re.split("[/?]", address, maxsplit=1)[0]
