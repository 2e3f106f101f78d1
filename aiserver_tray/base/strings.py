"""Small functions over texts: control characters, names of images, sizes, times, addresses of
pages."""

import re
from collections.abc import Container
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

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

SGR = re.compile(r"(\x1b\[[0-9;:]*m)")
"""A colour (ECMA-48's Select Graphic Rendition)."""

CONTROL_BEGINS = ("\x1b[", r"\u001b[", r"\u001B[", r"\x1b[")
"""The beginnings of a control sequence: as terminals get it, and as JSON and Python write it."""
CONTROL = re.compile(f"(?:{'|'.join(map(re.escape, CONTROL_BEGINS))})[0-?]*[ -/]*[@-~]")
"""A control sequence (ECMA-48's CSI), such as a colour or the end of a line."""


def harmless(text: str) -> str:
    """*text* with visible signs instead of control characters and marks of direction. Line feeds
    and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(SIGNS)


def host_of(url: str, schemes: Container[str]) -> str | None:
    """The host that *url* names, or None if it is no address with one of *schemes*."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in schemes and " " not in url and parts.port != 0
    except ValueError:
        return None
    return parts.hostname if is_address else None


def in_line(text: str) -> str:
    """*text* in one line, without any character that is not printable."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())


def image_tag(name: str) -> str | None:
    """``1.2`` of ``registry:5000/web:1.2@sha256:…``; None without a tag, as of an image's ID."""
    if name.startswith("sha256:"):
        return None
    return name.partition("@")[0].rpartition("/")[2].partition(":")[2] or None


OWN_IMAGES: Final = "aiserver/"
"""The names of the images that we build begin with this, and no others do."""
_USUAL_REGISTRY = re.compile(r"^(?:(?:index\.)?docker\.io|localhost)/")
"""The part of a name that engines add to one without a registry."""


def own_image(name: str) -> str | None:
    """*name* without the usual registry, if only an image that we build may have it."""
    short = _USUAL_REGISTRY.sub("", name)
    return short if short.startswith(OWN_IMAGES) else None


_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    """*moment*, which has a time zone, as nanoseconds."""
    return (moment - _BEGIN) // timedelta(microseconds=1) * 1000


def moment_of(nanoseconds: int) -> datetime:
    """*nanoseconds* as a moment, cut to microseconds."""
    return _BEGIN + timedelta(microseconds=nanoseconds // 1000)


def rfc3339(nanoseconds: int) -> str:
    """*nanoseconds* as text, with all digits, such as ``2026-01-31T12:00:00.123456789Z``."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{moment_of(seconds * 10**9):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"


HOME: Final = "home"

_PAGE: Final = r"[a-z][a-z-]{0,31}"
_PART: Final = r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,127}"
"""Such as a module, or a section of the settings."""
PATTERN: Final = rf"^{_PAGE}(/{_PART}){{0,2}}(\?[A-Za-z0-9_.~%+&=*:,-]{{0,1024}})?$"
"""The shape of the address of a dashboard's page. Which pages there are is written in
``ui/js/pages.js`` alone."""


def is_address(text: str) -> bool:
    """Whether *text* has the shape of an address."""
    return bool(re.fullmatch(PATTERN, text))


def page_of(address: str) -> str:
    """The name of the page at *address*."""
    return re.split("[/?]", address, maxsplit=1)[0]


def binary_size(count: int) -> str:
    """*count* bytes as settings and the dashboard show memory: 1 GB is 1024 MB."""
    gibi = 1024**3
    whole = f"{count / gibi:.1f}".removesuffix(".0")
    return f"{whole} GB" if count >= gibi else f"{count / 1024**2:.0f} MB"
