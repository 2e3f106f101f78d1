"""``extends``: a service based on another service, of the same file or another one."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath, mappings, value_at
from aiserver_tray.catalog.compose.merge import extend_service
from aiserver_tray.catalog.compose.paths import expand
from aiserver_tray.catalog.compose.problems import Problems
from aiserver_tray.catalog.compose.reader import Document

Tree = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """The services of a file that can be extended: canonical, with absolute paths if another file
    extends them. ``documents`` are their source."""

    file: Path
    services: Tree
    documents: tuple[Document, ...]


OpenSource = Callable[[Path], Source]


def apply_extends(
    source: Source, folder: Path, open_source: OpenSource, problems: Problems
) -> None:
    """Resolve ``extends`` for every service of *source*. Files are relative to *folder* and read by
    *open_source*."""
    extending = _Extending(folder, open_source, problems)
    for name, _ in mappings(source.services):
        extending.resolve(name, source, ("services", name))


@dataclass(frozen=True)
class _Link:
    """The service *name* of *source* extends one of *base*."""

    name: str
    source: Source
    base: Source

    def is_of(self, source: Source, name: str) -> bool:
        return self.name == name and self.source.file == source.file


class _Extending:
    def __init__(self, folder: Path, open_source: OpenSource, problems: Problems) -> None:
        self._folder = folder
        self._open = open_source
        self._problems = problems

    def resolve(self, name: str, source: Source, path: KeyPath) -> None:
        """Merge the service *name* over its base, and the base over its own base. *path* is the
        service's place in the loaded file."""
        chain: list[_Link] = []
        while "extends" in (service := source.services[name]):
            if any(link.is_of(source, name) for link in chain):
                self._refuse_circle([*(link.name for link in chain), name], path)
                return
            found = self._base(service["extends"], source, (*path, "extends"))
            if found is None:
                return
            base_name, base = found
            chain.append(_Link(name, source, base))
            for document in reversed(base.documents):
                self._problems.add_below(document, path, ("services", base_name))
            name, source = found
        for link in reversed(chain):
            self._count(service, link.base.file, (*path, "extends"))
            service = self._extended(link, copy.deepcopy(service), path)

    def _count(self, base: Tree, file: Path, path: KeyPath) -> None:
        """Count the values of the service *base* of *file*, of which *path* gets a copy."""
        budget, count = self._problems.budget, _values_in(base)
        self._problems.attempt(path, lambda: budget.take_values(count, file))

    def _extended(self, link: _Link, base: Tree, path: KeyPath) -> Tree:
        own = ("services", link.name)
        for document in (*link.source.documents, *link.base.documents):
            drop(base, {reset[2:] for reset in document.resets if reset[:2] == own})
        merged = extend_service(base, link.source.services[link.name], path, self._problems.report)
        merged.pop("extends", None)
        link.source.services[link.name] = merged
        return merged

    def _refuse_circle(self, names: list[str], path: KeyPath) -> None:
        text = Text(
            "expected a service that does not extend itself, found the cycle {circle}",
            circle=" → ".join(names),
        )
        self._problems.report((*path, "extends"), text)

    def _reference(self, extends: Any, where: KeyPath) -> tuple[str, str | None] | None:  # noqa: ANN401
        if isinstance(extends, str):
            return extends, None
        if isinstance(extends, dict):
            name, file = extends.get("service"), extends.get("file")
            unknown = [key for key in extends if key not in ("service", "file")]
            if isinstance(name, str) and isinstance(file, str | None) and not unknown:
                return name, file
        text = Text("expected the name of a service, or a mapping with service and file")
        self._problems.report(where, text)
        return None

    def _base(self, extends: Any, source: Source, where: KeyPath) -> tuple[str, Source] | None:  # noqa: ANN401
        """The name of the extended service, and its source."""
        reference = self._reference(extends, where)
        if reference is None:
            return None
        name, file = reference
        if file:
            opened = self._problems.attempt(where, lambda: self._open(expand(file, self._folder)))
            if opened is None:
                return None
            source = opened
        if isinstance(source.services.get(name), dict):
            return name, source
        if name in source.services:
            place = source.documents[-1].place(("services", name))
            self._problems.extend([Problem(place, Text("expected a mapping"))])
            return None
        text = Text(
            "expected a service of {file}, found {name!r}. Available: {known}",
            file=str(source.file),
            name=name,
            known=", ".join(source.services) or "-",
        )
        self._problems.report(where, text)
        return None


def _values_in(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values_in, inner))


def drop(tree: Tree, paths: set[KeyPath] | frozenset[KeyPath]) -> None:
    """Remove the content at *paths*, for ``!reset`` and ``!override``. List items stay, as in
    Docker Compose."""
    for *above, key in (path for path in paths if path):
        if isinstance(value := value_at(tree, above), dict):
            value.pop(key, None)
