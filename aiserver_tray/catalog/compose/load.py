"""From Compose files to a project, step by step as ``docker compose`` does it.

For each document: variables, ``extends``, ``!reset``, ``include``, merging, canonical form. Then,
for the whole: defaults, paths, environment, profiles, and the models.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aiserver_tray.base.errors import Place, Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.budget import Budget
from aiserver_tray.catalog.compose.canonical import canonicalize
from aiserver_tray.catalog.compose.defaults import apply_defaults
from aiserver_tray.catalog.compose.environment import complete_services, fill_environment
from aiserver_tray.catalog.compose.extends import Source, apply_extends, drop
from aiserver_tray.catalog.compose.files import compose_files, empty_file
from aiserver_tray.catalog.compose.include import FileSet, apply_include
from aiserver_tray.catalog.compose.interpolate import interpolate
from aiserver_tray.catalog.compose.keypath import KeyPath, mappings
from aiserver_tray.catalog.compose.merge import drop_repeated, merge
from aiserver_tray.catalog.compose.normalize import normalize
from aiserver_tray.catalog.compose.paths import resolve_paths
from aiserver_tray.catalog.compose.problems import Problems, found, problems_of
from aiserver_tray.catalog.compose.reader import Document, parse_documents
from aiserver_tray.catalog.compose.template import TemplateError, substitute
from aiserver_tray.catalog.compose.variables import active_profiles, is_active

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project

Tree = dict[str, Any]
Check = Callable[[Tree, Problems], None]
"""Reports problems of extensions (``x-…``) in the merged tree; Compose accepts any."""
_NAME = "COMPOSE_PROJECT_NAME"


def _any(_tree: Tree, _problems: Problems) -> None:
    """A `Check` that takes every extension."""


def load_project(
    path: Path, env: Mapping[str, str], *, profiles: Collection[str] = (), check: Check = _any
) -> "Project":
    """The project of the Compose file *path*, or of the file in the folder *path* with its
    override.

    *env* contains all variables; the process's own environment is not used.
    ``COMPOSE_PROJECT_NAME`` and ``COMPOSE_PROFILES`` in it have the same meaning as for ``docker
    compose``; *profiles* are active in addition.

    Raises:
        CatalogError: with every problem found.
    """
    tree, env, problems = _read(path, env, check)
    active = active_profiles(env, profiles)
    complete_services(tree, env, _active_services(tree, active), problems)
    return _validated(tree, active, problems)


def load_outline(
    path: Path, env: Mapping[str, str], *, profiles: Collection[str] = (), check: Check = _any
) -> Tree:
    """The normalized tree that `load_project` makes its models from, with the active services only.
    It takes a tenth of the time, and skips most checks of the models, except for the shape of
    ``depends_on``.

    Raises:
        CatalogError: with every problem found on the way.
    """
    tree, env, problems = _read(path, env, check)
    _check_dependencies(tree, problems)
    problems.check()
    normalize(tree)
    active = _active_services(tree, active_profiles(env, profiles))
    return tree | {"services": {name: tree["services"][name] for name in sorted(active)}}


def _check_dependencies(tree: Tree, problems: Problems) -> None:
    """Check that ``depends_on`` is a mapping of mappings, as the models do."""
    services = tree.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        given = service.get("depends_on", {}) if isinstance(service, dict) else {}
        path = ("services", name, "depends_on")
        inner = {(*path, n): v for n, v in given.items()} if isinstance(given, dict) else {}
        for where, value in ({path: given} | inner).items():
            if not isinstance(value, dict):
                what = {"expected": Text("a mapping"), "found": found(value)}
                problems.report(where, Text("expected {expected}, found {found}", **what))


def _read(
    path: Path, env: Mapping[str, str], check: Check
) -> tuple[Tree, Mapping[str, str], Problems]:
    """The canonical tree of the files at *path*, *env* with the project's name, and the problems
    so far."""
    files = tuple(compose_files(path, env))
    problems = Problems(files[0])
    documents = {file: parse_documents(file) for file in files}
    name = _project_name(documents, env, problems)
    env = {**env, _NAME: name}
    tree = _Loader(FileSet(files, files[0].parent, env), problems).load(documents)
    if not tree:
        problems.report((), empty_file())
        problems.check()
    tree["name"] = name
    check(tree, problems)
    return tree, env, problems


def _validated(tree: Tree, profiles: Collection[str], problems: Problems) -> "Project":
    from aiserver_tray.catalog.compose.project import validate_project  # noqa: PLC0415 - slow

    inconsistent: list[tuple[KeyPath, Text]] = []
    try:
        project = validate_project(
            tree, lambda path, text: inconsistent.append((path, text)), profiles=profiles
        )
    except ValidationError as error:
        problems.extend(problems_of(error, problems.place))
        problems.check()
        raise
    # A contradiction may only result from the invalid parts that were left out above.
    problems.check()
    for path, text in inconsistent:
        problems.report(path, text)
    problems.check()
    return project


def _active_services(tree: Tree, profiles: Collection[str]) -> set[str]:
    return {
        name
        for name, service in mappings(tree.get("services"))
        if isinstance(own := service.get("profiles", []), list)
        and is_active([profile for profile in own if isinstance(profile, str)], profiles)
    }


def _project_name(
    documents: Mapping[Path, Sequence[Document]], env: Mapping[str, str], problems: Problems
) -> str:
    """The project name from *env*, otherwise from the files, otherwise from the folder. It is
    converted to lower case, and invalid characters are removed."""
    main = next(iter(documents))
    if name := env.get(_NAME):
        if _normalized(name) != name:
            problems.extend([Problem(Place(main, None, _NAME), _no_name(name))])
        return name
    named = [
        (index, document)
        for each in documents.values()
        for index, document in enumerate(each)
        if document.tree.get("name") and isinstance(document.tree["name"], str)
    ]
    # Docker Compose uses the folder's name only if no file's first document has a name.
    folder = "" if any(index == 0 for index, _ in named) else _normalized(main.parent.name)
    written = named[-1][1].tree["name"] if named else main.parent.name
    try:
        name = _normalized(substitute(written, env.get)) if named else ""
    except TemplateError:
        return "-"  # reported when the document is interpolated
    if not (name or folder):
        place = named[-1][1].place(("name",)) if named else Place(main)
        problems.extend([Problem(place, _no_name(written))])
    return name or folder


def _normalized(name: str) -> str:
    return re.sub("[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _no_name(found: str) -> Text:
    return Text(
        "expected a project name of a-z, 0-9, - and _ that begins with a letter or digit, "
        "found {found!r}",
        found=found,
    )


class _Loader:
    """Loads one set of files, and those that it extends and includes."""

    def __init__(self, files: FileSet, problems: Problems) -> None:
        self._files = files
        self._problems = problems
        self._sources: dict[Path, Source] = {}

    def load(self, documents: Mapping[Path, Sequence[Document]]) -> Tree:
        """The canonical tree of the *documents* by file, with absolute paths."""
        tree: Tree = {}
        for document in (document for each in documents.values() for document in each):
            if tree:
                self.check_shape(tree)
            tree = self._laid_over(tree, document)
        if not isinstance(tree.get("name", ""), str):
            self._problems.report(("name",), Text("expected text"))
        apply_defaults(tree, self._problems.report)
        resolve_paths(tree, self._files.folder)
        fill_environment(tree, self._files.env)
        return tree

    def _laid_over(self, tree: Tree, document: Document) -> Tree:
        self._problems.add(document)
        new = interpolate(document.tree, self._files.env.get, self._problems.report)
        source = Source(document.file, self._services(new), (document,))
        apply_extends(source, self._files.folder, self._open, self._problems)
        drop(tree, document.resets)
        apply_include(new, document.file, self._files, self._include, self._problems)
        return _merged(tree, new, self._problems)

    def _services(self, tree: Tree) -> Tree:
        services = tree.get("services", {})
        if not isinstance(services, dict):
            self._problems.report(("services",), Text("expected a mapping"))
            return {}
        for name, service in services.items():
            if not isinstance(service, dict | None):
                self._problems.report(("services", name), Text("expected a mapping"))
        return services

    def check_shape(self, tree: Tree) -> None:
        """Report problems in *tree*, even in parts that later files override."""
        named = {
            section: {name: {} if item is None else item for name, item in items.items()}
            for section in ("networks", "volumes", "secrets", "configs")
            if isinstance(items := tree.get(section), dict)
        }
        from aiserver_tray.catalog.compose.project import Project  # noqa: PLC0415 - slow

        try:
            Project.model_validate({**tree, **named})
        except ValidationError as error:
            self._problems.extend(problems_of(error, self._problems.place))

    def _include(self, files: FileSet) -> Tree:
        problems = Problems(files.files[0], self._problems.budget)
        documents = {file: problems.budget.documents(file) for file in files.files}
        loader = _Loader(files, problems)
        tree = loader.load(documents)
        loader.check_shape(tree)
        problems.check()
        self._problems.adopt(problems)
        return tree

    def _open(self, file: Path) -> Source:
        if file not in self._sources:
            self._sources[file] = _open_source(file, self._files.env, self._problems.budget)
        return self._sources[file]


def _open_source(file: Path, env: Mapping[str, str], budget: Budget) -> Source:
    """The services of *file*, for others to extend.

    Raises:
        CatalogError: the file can't be read, or is no Compose file.
    """
    problems = Problems(file, budget)
    documents = budget.documents(file)
    tree: Tree = {}
    for document in documents:
        problems.add(document)
        drop(tree, document.resets)
        tree = _merged(tree, interpolate(document.tree, env.get, problems.report), problems)
    services = tree.get("services")
    if not isinstance(services, dict):
        problems.report(("services",), Text("expected a mapping of services to extend"))
        services = {}
    problems.check()
    resolve_paths(tree, file.parent)
    return Source(file, services, documents)


def _merged(tree: Tree, new: Tree, problems: Problems) -> Tree:
    """*new* over *tree*, in canonical form."""
    tree = merge(tree, new, problems.report)
    drop_repeated(tree)
    tree = canonicalize(tree, problems.report)
    if not isinstance(tree.pop("version", ""), str):
        problems.report(("version",), Text("expected text"))
    drop_repeated(tree)
    return tree
