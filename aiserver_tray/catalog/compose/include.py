"""``include``: whole Compose projects of other folders, each with its own relative paths and
``.env``, whose services, networks, volumes, secrets and configs are added."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.dotenv import parse_env_file
from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.paths import expand
from aiserver_tray.catalog.compose.problems import Problems
from aiserver_tray.catalog.compose.reader import is_file

Tree = dict[str, Any]

MAX_DEPTH = 20
"""Projects that include each other."""
_SECTIONS = ("services", "volumes", "networks", "secrets", "configs")
_KEYS = ("path", "project_directory", "env_file")


@dataclass(frozen=True)
class FileSet:
    """Compose files that are read as one: later over earlier, paths relative to *folder*,
    variables from *env*; *above* are the files that include it."""

    files: tuple[Path, ...]
    folder: Path
    env: Mapping[str, str]
    above: tuple[Path, ...] = ()


LoadFiles = Callable[[FileSet], Tree]


def apply_include(
    tree: Tree, file: Path, files: FileSet, load: LoadFiles, problems: Problems
) -> None:
    """Adds what *tree* (of *file*) includes, read by *load*, and drops the key."""
    entries = tree.pop("include", None)
    if entries is None:
        return
    if not isinstance(entries, list):
        problems.report(("include",), Text("expected a list of files to include"))
        return
    above = replace(files, above=(*files.above, file))
    for index, entry in enumerate(entries):
        where = ("include", index)
        included = problems.attempt(where, lambda: _file_set(entry, above, where, problems))  # noqa: B023
        imported = included and problems.attempt(where, lambda: load(included))  # noqa: B023
        if imported:
            _import(imported, tree, problems)


def _file_set(entry: Any, above: FileSet, where: KeyPath, problems: Problems) -> FileSet:  # noqa: ANN401
    """The files that *entry* names.

    Raises:
        CatalogError: it has another shape, includes a file that includes it, or names an env
            file that can't be read.
    """
    fields = _fields(entry, where, problems)
    files = tuple(expand(path, above.folder) for path in fields["path"])
    if len(above.above) > MAX_DEPTH:
        text = Text("expected at most {limit} levels of nesting", limit=MAX_DEPTH)
        raise CatalogError.at(problems.place(where), text)
    if files[0] in above.above:
        circle = " → ".join(str(file) for file in (*above.above, files[0]))
        text = Text("expected no include cycle, found {circle}", circle=circle)
        raise CatalogError.at(problems.place(where), text)
    folder = files[0].parent
    if fields["project_directory"]:
        folder = expand(fields["project_directory"][0], above.folder)
    env_files = [expand(path, above.folder) for path in fields["env_file"]]
    if not env_files and is_file(folder / ".env"):
        env_files = [folder / ".env"]
    problems.files.update(env_files)
    own: dict[str, str] = {}

    def lookup(name: str) -> str | None:
        return above.env.get(name, own.get(name))

    for path in env_files:
        place = problems.place((*where, "env_file"))
        problems.budget.take_env_file(path, place)
        own.update(parse_env_file(path, place, lookup))
    return FileSet(files, folder, {**own, **above.env}, above.above)


def _fields(entry: Any, where: KeyPath, problems: Problems) -> dict[str, list[str]]:  # noqa: ANN401
    given = entry if isinstance(entry, dict) else {"path": entry}
    fields = {key: _texts(given.get(key)) for key in _KEYS}
    if fields["path"] and not given.keys() - set(_KEYS) and None not in fields.values():
        return {key: value or [] for key, value in fields.items()}
    text = Text("expected a file, or a mapping with path, project_directory and env_file")
    raise CatalogError.at(problems.place(where), text)


def _texts(value: Any) -> list[str] | None:  # noqa: ANN401
    values = [] if value is None else [value] if isinstance(value, str) else value
    are_texts = isinstance(values, list) and all(isinstance(item, str) for item in values)
    return values if are_texts else None


def _import(imported: Tree, tree: Tree, problems: Problems) -> None:
    for section in _SECTIONS:
        new = imported.get(section)
        if not isinstance(new, dict):
            continue
        own = tree.setdefault(section, {})
        if not isinstance(own, dict):
            problems.report((section,), Text("expected a mapping"))
            continue
        for name, item in new.items():
            if own.setdefault(name, item) != item:
                text = Text(
                    "expected a unique name, found {name!r} also in an included file", name=name
                )
                problems.report((section, name), text)
            own[name] = item
