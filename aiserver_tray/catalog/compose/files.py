"""Which files make up a Compose project."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from aiserver_tray.catalog.compose.reader import Document, mode_of, parse_documents
from aiserver_tray.errors import CatalogError, Place
from aiserver_tray.i18n import Text

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


def find_compose_file(folder: Path) -> Path | None:
    """The Compose file of *folder*, by the names and in the order of ``docker compose``.

    Raises:
        CatalogError: the folder can't be looked into.
    """
    return _first(folder, NAMES)


def compose_files(path: Path) -> list[Path]:
    """The absolute paths of the files that *path* means: itself, or a folder's Compose file and,
    where there is one, the override beside it.

    Raises:
        CatalogError: there is none in the folder, or the folder can't be looked into.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - lexically, as the oracle; links stay
    if not stat.S_ISDIR(mode_of(path, Place(path)) or 0):
        return [path]
    main = find_compose_file(path)
    if not main:
        raise CatalogError.at(
            Place(path), Text("expected one of {names} in this folder", names=", ".join(NAMES))
        )
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
    """What is wrong with a file that holds nothing."""
    return Text("expected a Compose file with services, found an empty file")


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    files = (folder / name for name in names)
    return next((file for file in files if mode_of(file, Place(file)) is not None), None)
