"""Env files, read by the rules of compose-go's ``dotenv`` package."""

import re
from pathlib import Path

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.reader import MAX_SIZE, read_bytes
from aiserver_tray.catalog.compose.template import Lookup, TemplateError, substitute

_BLANK = " \t\v\f\r\x85\xa0"
_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_KEY = re.compile(rf"(?P<key>(?:[\w.\-\[\]]|[{_BLANK}])*?)(?P<end>[=:\n]|\Z)")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
    '"': '"', "$": "$$", "c": "\\c",
}  # fmt: skip


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of the env file *path*. A value may use variables above it.

    Raises:
        CatalogError: there is no such file, or a line of it is no assignment.
    """
    return parse_env_file(path, Place(path), lambda _: None)


def parse_env_file(path: Path, place: Place, lookup: Lookup) -> dict[str, str]:
    """The variables of the env file *path*, called *place* in messages. In values, *lookup* takes
    precedence over the file's own variables.

    Raises:
        CatalogError: at *place*, the file can't be read; in the file, a line is no assignment.
    """
    content = read_bytes(path, place)
    return _EnvFile(path, content.decode("utf-8-sig", errors="replace"), lookup).parse()


class _EnvFile:
    def __init__(self, path: Path, text: str, lookup: Lookup) -> None:
        self._path = path
        self._text = text
        self._position = 0
        self._before = lookup
        self._found: dict[str, str] = {}
        self._expansion = 0

    def parse(self) -> dict[str, str]:
        while self._skip_to_statement():
            key, has_value = self._key()
            if has_value:
                self._found[key] = self._value()
            elif (inherited := self._before(key)) is not None:
                self._found[key] = inherited
        return self._found

    def _skip_to_statement(self) -> bool:
        while self._position < len(self._text):
            char = self._text[self._position]
            if char == "#":
                self._position = self._line_end()
            elif char.isspace():
                self._position += 1
            else:
                return True
        return False

    def _line_end(self) -> int:
        end = self._text.find("\n", self._position)
        return len(self._text) if end < 0 else end

    def _key(self) -> tuple[str, bool]:
        if export := _EXPORT.match(self._text, self._position):
            self._position = export.end()
        match = _KEY.match(self._text, self._position)
        if not match:
            raise self._error(Text("expected NAME=value; a name has letters, digits and _ . - [ ]"))
        key = match["key"].rstrip()
        if not key or " " in key or not match["end"]:
            # A name alone in the last line needs a line end, as in Docker Compose.
            raise self._error(Text("expected NAME=value, with a name without blanks"))
        self._position = match.end()
        while self._position < len(self._text) and self._text[self._position] in _BLANK:
            self._position += 1
        return key, match["end"] != "\n"

    def _value(self) -> str:
        quote = self._text[self._position : self._position + 1]
        if quote and quote in "\"'":
            text = self._quoted(quote)
            return self._expanded(_unescaped(text)) if quote == '"' else text
        end = self._line_end()
        line = self._text[self._position : end]
        text = self._expanded(line.partition(" #")[0].rstrip())
        self._position = min(end + 1, len(self._text))
        return text

    def _quoted(self, quote: str) -> str:
        """The text up to the same quote; a backslash keeps a quote from ending it."""
        pattern = re.compile(rf"(?:[^\\{quote}]|\\.)*", re.DOTALL)
        match = pattern.match(self._text, self._position + 1)
        end = match.end() if match else len(self._text)
        if self._text[end : end + 1] != quote:
            raise self._error(Text("expected a closing quote"))
        text = self._text[self._position + 1 : end]
        self._position = end + 1
        return text.replace("\\" + quote, quote)

    def _expanded(self, text: str) -> str:
        try:
            return substitute(text, self._lookup)
        except TemplateError as error:
            # The value may be a secret, so the message does not contain it.
            hidden = {**error.text.values, "template": "…"}
            raise self._error(error.text.with_values(hidden)) from None

    def _lookup(self, name: str) -> str | None:
        if (value := self._before(name)) is None:
            value = self._found.get(name)
        self._expansion += len(value or "")
        if self._expansion > MAX_SIZE:  # a value may use the one above it twice, and so on
            limit = MAX_SIZE // 2**20
            text = Text("expected variables that expand to at most {limit} MiB", limit=limit)
            raise self._error(text)
        return value

    def _error(self, text: Text) -> CatalogError:
        line = self._text.count("\n", 0, self._position) + 1
        return CatalogError.at(Place(self._path, line), text)


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        escape = match[0][1:]
        return _octal(escape[1:]) if escape.startswith("0") else _ESCAPED[escape]

    return _ESCAPE.sub(plain, text)


def _octal(digits: str) -> str:
    """A character from three octal digits, up to 255; otherwise the text without the leading
    zero."""
    if re.fullmatch("[0-7]{3}", digits) and (code := int(digits, 8)) < 256:
        return chr(code)
    return "\\" + digits
