"""Texts of others: of containers, engines, clients and catalogs. A terminal or a log that shows
them must not obey them, and they must look like what they are."""

_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)}
_LINE_ENDS = (0x2028, 0x2029)
_C1 = range(0x80, 0xA0)
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))

SIGNS = {
    **_PICTURES,
    0x7F: 0x2421,
    **dict.fromkeys(_LINE_ENDS, 0x2424),
    **dict.fromkeys((*_C1, *_DIRECTIONS), 0xFFFD),
}
"""Character -> a visible sign: control characters (ECMA-48's C0 without tab and line feed, DEL and
C1), Unicode's line ends, and the marks that change the direction of text."""


def harmless(text: str) -> str:
    """*text* with visible signs instead of control characters and marks of direction. Line feeds
    and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(SIGNS)


def in_line(text: str) -> str:
    """*text* in one line, without any character that is not printable."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())
