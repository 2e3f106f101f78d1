"""Properties of the terminal, and text that fits it."""

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, TextIO

from aiserver_tray.base.strings import SGR, harmless

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_DEFAULT_COLUMNS = 80
"""Columns of a terminal of unknown width."""
_WORDS = re.compile(r" *[^ ]+")


def is_terminal(stream: TextIO) -> bool:
    """Whether *stream* is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO) -> bool:
    """Whether *stream* is to be coloured (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def harmless_in_colour(text: str) -> str:
    """Like `harmless`, but colours (SGR sequences) are kept and end with the text."""
    parts = SGR.split(text)
    if len(parts) == 1:
        return harmless(text)
    shown = (p if i % 2 else harmless(p) for i, p in enumerate(parts))
    return "".join((*shown, "\x1b[0m"))


def without_colour(text: str) -> str:
    """*text* without SGR sequences, else as `harmless`."""
    return harmless(SGR.sub("", text))


def width(text: str) -> int:
    """The columns that *text* takes on a terminal."""
    return sum(_columns(character) for character in text)


def padded(text: str, columns: int) -> str:
    """*text* with blanks up to *columns*."""
    return text + " " * (columns - width(text))


def columns(stream: TextIO) -> int:
    """The columns of the terminal *stream*."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_COLUMNS
    return _DEFAULT_COLUMNS


def fitted(text: str, stream: TextIO) -> str:
    """*text* for *stream*: wrapped between words on a terminal, unchanged elsewhere."""
    return wrapped(text, columns(stream)) if is_terminal(stream) else text


def wrapped(text: str, room: int) -> str:
    """*text* in lines of *room* columns, wrapped between words, so that paths and addresses stay
    whole if they fit. The terminal itself wraps wider words, and Chinese."""
    return "\n".join(broken for line in text.split("\n") for broken in _broken(line, room))


def _broken(line: str, room: int) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip(" "))]
    shown, column = "", 0
    for word in _WORDS.findall(line):
        needed = width(word)
        if shown and column + needed > room and (needed <= room or word.isascii()):
            yield shown
            shown = indent + word.lstrip(" ")
            column = width(shown)
        else:
            shown += word
            column += needed
        # A full line: the terminal continues in the next one by itself.
        column = (column - 1) % room + 1
    yield shown


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def console(stream: TextIO) -> "Console":
    """A rich console for *stream*, a terminal."""
    from rich.console import Console  # noqa: PLC0415 - slow, and only wanted on a terminal

    # Highlighting and markup are off: foreign texts must appear unchanged.
    return Console(file=stream, highlight=False, markup=False, emoji=False)


@contextmanager
def live(screen: "Console") -> "Iterator[Callable[[RenderableType], None]]":
    """A function that shows each of its arguments in place of the one before."""
    from rich.live import Live  # noqa: PLC0415 - slow, and only wanted on a terminal

    with Live(console=screen, auto_refresh=False, redirect_stderr=False) as place:
        yield lambda shown: place.update(shown, refresh=True)


def takes(stream: IO[str], signs: str) -> bool:
    """Whether *stream*'s encoding has all of *signs*."""
    try:
        signs.encode(getattr(stream, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def is_interactive() -> bool:
    """Whether a person can be asked: both input and the place for questions are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()
