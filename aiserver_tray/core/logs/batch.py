"""How many lines fit in one message to a client."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from aiserver_tray.core.logs.store.line import Kept

BATCH_LINES: Final = 1000
"""Maximum lines of a message."""

BATCH_CHARACTERS: Final = 1 << 20
"""Maximum characters of a message, unless it has one line. In JSON, a character has up to six
bytes, and a message at most 8 MiB."""


def fitting(lines: Iterable[Kept], characters: int = BATCH_CHARACTERS) -> int:
    """How many of *lines*, from the first on, fit in so many *characters*: at least one."""
    number = 0
    for kept in islice(lines, BATCH_LINES):
        characters -= len(kept.line.text)
        if number and characters < 0:
            break
        number += 1
    return number
