"""What is equal in messages of the same error: all but numbers, IDs, times and quoted text."""

import re

_VARIABLE = re.compile(
    r"""(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)
    | (?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)
    | (?P<text>"[^"]*"|(?<!\w)'[^']*'|`[^`]*`)
    | (?P<hex>\b(?:0x[0-9a-fA-F]+|(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,})\b)
    | (?P<id>\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b)
    | (?P<number>\d+(?:[.,:]\d+)*)""",
    re.VERBOSE,
)
_MAX_CHARACTERS = 500


def fingerprint(message: str) -> str:
    """*message* with a sign instead of each part that varies."""
    cut = message[:_MAX_CHARACTERS]
    return " ".join(_VARIABLE.sub(lambda found: f"<{found.lastgroup}>", cut).split())
