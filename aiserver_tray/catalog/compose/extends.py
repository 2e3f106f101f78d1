"""``extends``: a service that starts from another, of its own file or of one beside it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.merge import extend_service
from aiserver_tray.catalog.compose.paths import expand
from aiserver_tray.catalog.compose.problems import Problems
from aiserver_tray.catalog.compose.reader import Document
from aiserver_tray.errors import Problem
from aiserver_tray.i18n import Text

Tree = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """The services of a file, ready to be extended: canonical, with absolute paths where another
    file extends them. ``documents`` are what they were read from."""

    file: Path
    services: Tree
    documents: tuple[Document, ...]


OpenSource = Callable[[Path], Source]


def apply_extends(
    source: Source, folder: Path, open_source: OpenSource, problems: Problems
) -> None:
    """Replaces every service of *source* that extends another by the whole of it. Files are
    looked up from *folder* and read by *open_source*."""
    extending = _Extending(folder, open_source, problems)
    for name in source.services:
        extending.resolve(name, source, ("services", name), ())


class _Extending:
    def __init__(self, folder: Path, open_source: OpenSource, problems: Problems) -> None:
        self._folder = folder
        self._open = open_source
        self._problems = problems

    def resolve(
        self, name: str, source: Source, path: KeyPath, seen: tuple[tuple[Path, str], ...]
    ) -> Any:  # noqa: ANN401 - a service, or what stands in its place
        """The service *name*, after what it extends has been put below it. *path* is where the
        service being made stands in the file that is loaded; *seen* are those on the way here."""
        service = source.services[name]
        if not isinstance(service, dict) or "extends" not in service:
            return service
        where = (*path, "extends")
        if (source.file, name) in seen:
            self._problems.report(
                where,
                Text(
                    "expected a service that does not extend itself, found the circle {circle}",
                    circle=" → ".join([*(service for _, service in seen), name]),
                ),
            )
            return None
        reference = self._reference(service["extends"], where)
        found = self._base(reference, source, where) if reference else None
        if found is None:
            return None
        base_name, base_source = found
        for document in reversed(base_source.documents):
            self._problems.add_below(document, path, ("services", base_name))
        base = self.resolve(base_name, base_source, path, (*seen, (source.file, name)))
        if not isinstance(base, dict):
            return None
        base = copy.deepcopy(base)
        for document in (*source.documents, *base_source.documents):
            drop(base, {path[2:] for path in document.resets if path[:2] == ("services", name)})
        merged = extend_service(base, service, path, self._problems.report)
        merged.pop("extends", None)
        source.services[name] = merged
        return merged

    def _reference(self, extends: Any, where: KeyPath) -> tuple[str, str | None] | None:  # noqa: ANN401
        if isinstance(extends, str):
            return extends, None
        if isinstance(extends, dict):
            name, file = extends.get("service"), extends.get("file")
            unknown = [key for key in extends if key not in ("service", "file")]
            if isinstance(name, str) and isinstance(file, str | None) and not unknown:
                return name, file
        self._problems.report(
            where, Text("expected the name of a service, or a mapping with service and file")
        )
        return None

    def _base(
        self, reference: tuple[str, str | None], source: Source, where: KeyPath
    ) -> tuple[str, Source] | None:
        name, file = reference
        if file:
            found = self._problems.attempt(where, lambda: self._open(expand(file, self._folder)))
            if found is None:
                return None
            source = found
        if isinstance(source.services.get(name), dict):
            return name, source
        if name in source.services:
            place = source.documents[-1].place(("services", name))
            self._problems.extend([Problem(place, Text("expected a mapping"))])
            return None
        self._problems.report(
            where,
            Text(
                "expected a service of {file}, found {name!r}; known are: {known}",
                file=str(source.file),
                name=name,
                known=", ".join(source.services) or "-",
            ),
        )
        return None


def drop(tree: Tree, paths: set[KeyPath] | frozenset[KeyPath]) -> None:
    """Removes what stands at *paths*, as ``!reset`` and ``!override`` ask. Items of lists stay,
    as in the oracle."""
    for *above, key in (path for path in paths if path):
        value: Any = tree
        for part in above:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, dict):
            value.pop(key, None)
