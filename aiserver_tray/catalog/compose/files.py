"""The files of a Compose project."""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.reader import Document, is_file, mode_of, parse_documents

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)

_COMPOSE_FILE = "COMPOSE_FILE"


def find_compose_file(folder: Path) -> Path | None:
    """The Compose file of *folder*, with the names and the order of ``docker compose``.

    Raises:
        CatalogError: the folder can't be looked into.
    """
    return _first(folder, NAMES)


def compose_files(path: Path, env: Mapping[str, str] | None = None) -> list[Path]:
    """The absolute paths of the files of *path*: itself, or a folder's Compose file and its
    override, if there is one.

    Raises:
        CatalogError: there is none in the folder, the folder can't be looked into, or
            ``COMPOSE_FILE`` in *env* or the folder's ``.env`` says which files count.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - lexically, as the oracle; links stay
    if not stat.S_ISDIR(mode_of(path, Place(path)) or 0):
        return [path]
    _refuse_other_files(path, env or {})
    main = find_compose_file(path)
    if not main:
        text = Text("expected one of {names} in this folder", names=", ".join(NAMES))
        raise CatalogError.at(Place(path), text)
    override = _first(path, OVERRIDES)
    return [main, override] if override else [main]


def read_documents(path: Path) -> list[Document]:
    """The documents of *path*, a file or a folder, before interpolation; at least one.

    Raises:
        CatalogError: no file, no YAML, or no mapping in it.
    """
    files = compose_files(path)
    documents = [document for file in files for document in parse_documents(file)]
    if not documents:
        raise CatalogError.at(Place(files[0]), empty_file())
    return documents


def empty_file() -> Text:
    """The problem of an empty file."""
    return Text("expected a Compose file with services, found an empty file")


def _refuse_other_files(folder: Path, env: Mapping[str, str]) -> None:
    """Reject the variable. For ``docker compose`` it names the files of a *folder*; here the
    catalog does."""
    dotenv = folder / ".env"
    beside = read_env_file(dotenv) if is_file(dotenv) else {}
    if _COMPOSE_FILE in env or _COMPOSE_FILE in beside:
        place = Place(dotenv if _COMPOSE_FILE in beside else folder, None, _COMPOSE_FILE)
        text = Text(
            "{name} is not supported, because the Compose file in a folder must have a standard "
            "name. Remove {name}, then rename the file to {main} or pass the path of the file",
            name=_COMPOSE_FILE,
            main=NAMES[0],
        )
        raise CatalogError.at(place, text)


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    files = (folder / name for name in names)
    return next((file for file in files if mode_of(file, Place(file)) is not None), None)
