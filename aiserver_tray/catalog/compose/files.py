"""Which files make up a Compose project."""

import os
from collections.abc import Sequence
from pathlib import Path

from aiserver_tray.catalog.compose.reader import Document, parse_documents
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
    """The Compose file of *folder*, by the names and in the order of ``docker compose``."""
    return _first(folder, NAMES)


def compose_files(path: Path) -> list[Path]:
    """The absolute paths of the files that *path* means: itself, or a folder's Compose file and,
    where there is one, the override beside it.

    Raises:
        CatalogError: there is no such file, or none in the folder.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - lexically, as the oracle; links stay
    if not path.is_dir():
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
    return next((file for name in names if (file := folder / name).exists()), None)
