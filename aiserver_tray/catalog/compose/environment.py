"""Variables from files and for services: ``.env``, ``env_file``, ``label_file`` and names without
a value, such as ``environment: [FOO]``.

The files are read by the rules of compose-go's ``dotenv`` package.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.problems import Problems
from aiserver_tray.catalog.compose.reader import read_bytes
from aiserver_tray.catalog.compose.template import Lookup, TemplateError, substitute
from aiserver_tray.errors import CatalogError, Place
from aiserver_tray.i18n import Text

Tree = dict[str, Any]

_BLANK = " \t\v\f\r\x85\xa0"
_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_KEY = re.compile(rf"(?P<key>(?:[\w.\-\[\]]|[{_BLANK}])*?)(?P<end>[=:\n]|\Z)")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
    '"': '"', "$": "$$", "c": "\\c",
}  # fmt: skip


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of the env file *path*; those above may be used further down.

    Raises:
        CatalogError: there is no such file, or a line of it is no assignment.
    """
    return parse_env_file(path, Place(path), lambda _: None)


def parse_env_file(path: Path, place: Place, lookup: Lookup) -> dict[str, str]:
    """The variables of the env file *path*, which *place* names. *lookup* comes before the file's
    own variables where a value uses others.

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
            # A last line with a name alone has to end, as the oracle has it.
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
        match = re.compile(rf"(?:[^\\{quote}]|\\.)*", re.DOTALL).match(
            self._text, self._position + 1
        )
        end = match.end() if match else len(self._text)
        if self._text[end : end + 1] != quote:
            raise self._error(Text("expected the quote that ends the value"))
        text = self._text[self._position + 1 : end]
        self._position = end + 1
        return text.replace("\\" + quote, quote)

    def _expanded(self, text: str) -> str:
        try:
            return substitute(text, self._lookup)
        except TemplateError as error:
            raise self._error(error.text) from None

    def _lookup(self, name: str) -> str | None:
        value = self._before(name)
        return self._found.get(name) if value is None else value

    def _error(self, text: Text) -> CatalogError:
        line = self._text.count("\n", 0, self._position) + 1
        return CatalogError.at(Place(self._path, line), text)


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        escape = match[0][1:]
        if escape.startswith("0"):
            return _octal(escape[1:])
        return _ESCAPED[escape]

    return _ESCAPE.sub(plain, text)


def _octal(digits: str) -> str:
    """A character by three octal digits, up to 255; what is none loses the zero before it."""
    if re.fullmatch("[0-7]{3}", digits) and (code := int(digits, 8)) < 256:
        return chr(code)
    return "\\" + digits


def fill_environment(tree: Tree, env: Mapping[str, str]) -> None:
    """Gives ``environment: [FOO]``, and configs and secrets from a variable, their values."""
    for service in _mappings(tree.get("services")):
        environment = service.get("environment")
        if isinstance(environment, list):
            service["environment"] = [_with_value(item, env) for item in environment]
    for kind, key in (("secrets", "x-#value"), ("configs", "content")):
        for item in _mappings(tree.get(kind)):
            name = item.get("environment")
            if isinstance(name, str) and name in env:
                item[key] = env[name]


def _with_value(item: Any, env: Mapping[str, str]) -> Any:  # noqa: ANN401
    return f"{item}={env[item]}" if isinstance(item, str) and item in env else item


def _mappings(items: Any) -> list[Tree]:  # noqa: ANN401
    values = items.values() if isinstance(items, dict) else ()
    return [value for value in values if isinstance(value, dict)]


def complete_services(
    tree: Tree, env: Mapping[str, str], active: Collection[str], problems: Problems
) -> None:
    """Gives names without a value in ``environment`` and ``build.args`` theirs from *env*; puts
    what the env files and label files of the *active* services say below their own, and drops
    the files. What has the wrong shape is left for the models to refuse."""
    services = tree.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        if isinstance(service, dict):
            _complete(service, env)
            files = _Files(("services", name), env, problems)
            if name in active:
                _add(service, "environment", files.variables(service.get("env_file")))
                _add(service, "labels", files.labels(service.get("label_file")))
            service.pop("env_file", None)
            service.pop("label_file", None)


def _complete(service: Tree, env: Mapping[str, str]) -> None:
    environment = _pairs(service.get("environment"))
    if environment:
        service["environment"] = {
            key: env.get(key) if value is None else value for key, value in environment.items()
        }
    build = service.get("build")
    if isinstance(build, dict) and (args := _pairs(build.get("args"))):
        build["args"] = {
            key: env[key] if value is None else value
            for key, value in args.items()
            if value is not None or key in env
        }


def _pairs(value: Any) -> Tree | None:  # noqa: ANN401
    """A list of ``KEY=VALUE`` as a mapping; None for what is neither."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        parts = (item.partition("=") for item in value)
        return {key: text if equals else None for key, equals, text in parts}
    return value if isinstance(value, dict) else None


def _add(service: Tree, key: str, variables: Mapping[str, str]) -> None:
    own = _pairs(service.get(key, {}))
    if variables and own is not None:
        service[key] = {**variables, **own}


class _Files:
    """The env files and label files of the service at *path*."""

    def __init__(self, path: KeyPath, env: Mapping[str, str], problems: Problems) -> None:
        self._path = path
        self._env = env
        self._problems = problems

    def variables(self, env_files: Any) -> dict[str, str]:  # noqa: ANN401 - whatever stands there
        found: dict[str, str] = {}

        def lookup(name: str) -> str | None:
            return found.get(name, self._env.get(name))

        for index, entry in enumerate(env_files if isinstance(env_files, list) else ()):
            file = entry.get("path") if isinstance(entry, dict) else None
            if not isinstance(file, str):
                continue
            where = (*self._path, "env_file", index)
            if entry.get("required") is False and not _exists(file):
                continue
            if entry.get("format"):
                text = Text("expected no format, found {found!r}", found=entry["format"])
                self._problems.report((*where, "format"), text)
                continue
            found.update(self._read(file, where, lookup))
        return found

    def labels(self, label_files: Any) -> dict[str, str]:  # noqa: ANN401
        found: dict[str, str] = {}
        for index, file in enumerate(label_files if isinstance(label_files, list) else ()):
            if isinstance(file, str):
                found.update(self._read(file, (*self._path, "label_file", index), found.get))
        return found

    def _read(self, file: str, where: KeyPath, lookup: Lookup) -> dict[str, str]:
        path, place = Path(file), self._problems.place(where)
        return self._problems.attempt(where, lambda: parse_env_file(path, place, lookup)) or {}


def _exists(file: str) -> bool:
    try:
        return Path(file).exists()
    except (OSError, ValueError):
        return False
