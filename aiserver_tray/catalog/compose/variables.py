"""The variables in Compose files, before they get values, and the services that one of them
activates: by their profiles."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import CatalogError, Place, Problem
from aiserver_tray.catalog.compose.files import compose_files
from aiserver_tray.catalog.compose.keypath import KeyPath, mappings, value_at
from aiserver_tray.catalog.compose.paths import expand
from aiserver_tray.catalog.compose.reader import Document, is_file, parse_documents
from aiserver_tray.catalog.compose.template import (
    Lookup,
    Reference,
    TemplateError,
    lacking,
    references,
    substitute,
)

PROFILES = "COMPOSE_PROFILES"
"""Names the active ones, separated by commas."""


@dataclass(frozen=True)
class Variable:
    """A variable of a file: the text of its first ``:-`` or ``-``, and its first place."""

    name: str
    default: str | None
    place: Place


def find_variables(path: Path) -> dict[str, Variable]:
    """Every variable of the Compose file or folder *path* and of the local files that it extends
    and includes, in order: ``${NAME}``, ``environment`` or ``build.args`` without a value, and
    ``environment`` of a secret or config.

    Raises:
        CatalogError: a file can't be read, or a variable is malformed.
    """
    finder = _Finder()
    for document in local_documents(path):
        finder.read(document)
    if finder.problems:
        raise CatalogError(finder.problems)
    return finder.found


def find_profiles(path: Path) -> dict[str, Place]:
    """Every profile of a service in the Compose file or folder *path*, including local files that
    it extends and includes, with its first place.

    Raises:
        CatalogError: a file can't be read.
    """
    found: dict[str, Place] = {}
    for document in local_documents(path):
        for keys, service in _services(document.tree):
            for name in filter(None, _profiles(service)):
                found.setdefault(name, document.place((*keys, "profiles")))
    return found


def without_value(
    path: Path, env: Mapping[str, str], profiles: Collection[str]
) -> Iterator[Variable]:
    """Each use of a variable in the files at *path* that is empty or an error, because neither
    *env* nor the file has a value for it. Services that *profiles* leave out do not count.

    Raises:
        CatalogError: a file can't be read.
    """
    for document in local_documents(path):
        for keys, text in _texts(_active(document.tree, env, profiles), ()):
            with suppress(TemplateError):  # reported where the variables are found
                for reference in lacking(text, env.get):
                    yield Variable(reference.name, None, document.place(keys))
        for keys, name in _contents(document.tree):
            if not env.get(name):
                yield Variable(name, None, document.place(keys))


def local_documents(path: Path) -> Iterator[Document]:
    """The documents of the Compose file or folder *path*, and then of the local files that these
    extend and include, and so on.

    Raises:
        CatalogError: a file can't be read.
    """
    todo = deque((file, file.parent) for file in compose_files(path))
    read: set[Path] = set()
    while todo:
        file, folder = todo.popleft()
        if file in read:
            continue
        read.add(file)
        for document in parse_documents(file):
            yield document
            for other, its_folder in _other_files(document.tree, folder):
                if is_file(other):
                    todo.append((other, its_folder or other.parent))


class _Finder:
    def __init__(self) -> None:
        self.found: dict[str, Variable] = {}
        self.problems: list[Problem] = []

    def read(self, document: Document) -> None:
        """Takes what *document* uses."""
        for path, text in _texts(document.tree, ()):
            self._take(document, path, text)
        for path, name in (*_bare_names(document.tree), *_contents(document.tree)):
            self._add(Reference(name), document.place(path))

    def _take(self, document: Document, path: KeyPath, text: str) -> None:
        try:
            for reference in references(text):
                self._add(reference, document.place(path))
        except TemplateError as error:
            self.problems.append(Problem(document.place(path), error.text))

    def _add(self, reference: Reference, place: Place) -> None:
        unknown = Variable(reference.name, default=None, place=place)
        known = self.found.get(reference.name, unknown)
        default = known.default
        if default is None and reference.operator in ("-", ":-"):
            default = _filled(reference.argument, _nothing)
        self.found[reference.name] = replace(known, default=default)


def _nothing(_name: str) -> None:
    """A `Lookup` to which no variable is set."""


def _filled(text: str, lookup: Lookup) -> str | None:
    """*text* with the values and defaults inside it. None if it needs another value."""
    try:
        return substitute(text, lookup)
    except TemplateError:
        return None


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:  # noqa: ANN401
    if isinstance(value, str):
        if "$" in value:
            yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*path, key))


def _bare_names(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    for path, service in _services(tree):
        for keys in (("environment",), ("build", "args")):
            names = value_at(service, keys)
            if isinstance(names, dict):
                yield from (((*path, *keys, key), key) for key in names if names[key] is None)
            elif isinstance(names, list):
                for index, item in enumerate(names):
                    if isinstance(item, str) and "=" not in item and "$" not in item:
                        yield (*path, *keys, index), item


def _contents(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """The variables that are secrets and configs as a whole."""
    for section in ("secrets", "configs"):
        for name, item in mappings(tree.get(section)):
            variable = item.get("environment")
            if isinstance(variable, str) and "$" not in variable:
                yield (section, name, "environment"), variable


def _services(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for name, service in mappings(tree.get("services")):
        yield ("services", name), service


def _active(
    tree: dict[str, Any], env: Mapping[str, str], profiles: Collection[str]
) -> dict[str, Any]:
    """*tree* without the services that *profiles* leave out."""
    idle = {
        keys[-1]
        for keys, service in _services(tree)
        if not is_active([_filled(p, env.get) or "" for p in _profiles(service)], profiles)
    }
    if not idle:
        return tree
    return tree | {"services": {n: s for n, s in tree["services"].items() if n not in idle}}


def _profiles(service: dict[str, Any]) -> list[str]:
    profiles = service.get("profiles")
    return [str(name or "") for name in profiles] if isinstance(profiles, list) else []


def _other_files(tree: dict[str, Any], folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Files that are extended or included, and the folder that their own paths start from where
    it isn't theirs."""
    for _, service in _services(tree):
        extends = service.get("extends")
        if isinstance(extends, dict):
            yield from ((file, None) for file in _expanded(extends.get("file"), folder))
    includes = tree.get("include")
    for entry in includes if isinstance(includes, list) else ():
        fields = entry if isinstance(entry, dict) else {"path": entry}
        start = next(_expanded(fields.get("project_directory"), folder), None)
        for file in _expanded(fields.get("path"), folder):
            yield file, start


def _expanded(value: Any, folder: Path) -> Iterator[Path]:  # noqa: ANN401
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and (filled := _filled(text, _nothing)):
            yield expand(filled, folder)


# -- profiles ------------------------------------------------------------------------------------


def active_profiles(env: Mapping[str, str], profiles: Collection[str]) -> set[str]:
    """*profiles* and those that *env* activates."""
    return {*profiles, *(profile.strip() for profile in env.get(PROFILES, "").split(","))}


def is_active(service_profiles: Collection[str], profiles: Collection[str]) -> bool:
    """Whether a service with *service_profiles* runs where *profiles* are active."""
    return not service_profiles or "*" in profiles or not set(service_profiles).isdisjoint(profiles)
