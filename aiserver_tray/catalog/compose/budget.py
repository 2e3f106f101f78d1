"""Limits for files that a project uses many times. Without them, a few short files that include or
extend each other could fill the memory, or take hours to load."""

from contextlib import suppress
from pathlib import Path

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.reader import Document, is_file, parse_documents

MAX_REUSED_VALUES = 1_000_000
"""Values that a project gets from the files that it includes, the files that it extends, and the
services that it extends. Each use counts, because each has its own copy."""
_LEAST_VALUES = 100
"""Values that a file counts at least. Reading and merging it takes time even if it is empty."""
MAX_ENV_BYTES = 64 * 2**20
"""Bytes of the env files and label files of a project. Each use counts, because each is parsed with
other variables."""


class Budget:
    """The remaining budget for the files of one project. If it is exceeded, nothing else is
    loaded."""

    def __init__(self) -> None:
        self._values = MAX_REUSED_VALUES
        self._env_bytes = MAX_ENV_BYTES

    @property
    def is_exceeded(self) -> bool:
        return self._values < 0 or self._env_bytes < 0

    def documents(self, file: Path) -> tuple[Document, ...]:
        """The documents of *file*, which another file includes or extends.

        Raises:
            CatalogError: it can't be read, or there are too many values.
        """
        documents = parse_documents(file)
        size = sum(document.size for document in documents)
        self.take_values(max(size, _LEAST_VALUES), file)
        return documents

    def take_values(self, count: int, file: Path) -> None:
        """Count *count* values of *file* that are used once more.

        Raises:
            CatalogError: in *file*, there are too many.
        """
        self._values -= count
        if self._values < 0:
            text = Text(
                "expected at most {limit} values from included files and extended services "
                "together, found more. Include or extend fewer of them, or smaller ones",
                limit=MAX_REUSED_VALUES,
            )
            raise CatalogError.at(Place(file), text)

    def take_env_file(self, file: Path, place: Place) -> None:
        """Count the bytes of the env file *file* that *place* uses.

        Raises:
            CatalogError: at *place*, there are too many.
        """
        if is_file(file):
            with suppress(OSError):  # reading the file reports the error
                self._env_bytes -= file.stat().st_size
        if self._env_bytes < 0:
            text = Text(
                "expected env files of at most {limit} MiB together, each counted as often as it "
                "is used, found more",
                limit=MAX_ENV_BYTES // 2**20,
            )
            raise CatalogError.at(place, text)
