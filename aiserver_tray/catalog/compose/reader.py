"""Compose files as plain values with their places.

YAML is parsed by libyaml (PyYAML's C parser).
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.file_paths import path_of_open
from aiserver_tray.base.file_version import are_current, last_change, version_of
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.nodes import Composer, Mapping, Node, child, too_deep
from aiserver_tray.catalog.compose.plain_values import MAX_VALUES, PlainValues

MAX_SIZE = 16 * 2**20
"""Maximum bytes of a Compose file or env file: a device or a log may be endless."""
_SETTLED = 2e9
"""Nanoseconds within which a second change may keep the same time stamp: the times of some file
systems are that coarse (FAT)."""


@dataclass(frozen=True)
class Document:
    """One YAML document. Documents are shared, so their trees must not be changed."""

    file: Path
    tree: dict[str, Any]
    """Plain values: dict, list, str, int, float, bool, None."""
    resets: frozenset[KeyPath]
    """The paths with the tag ``!reset`` (absent from the tree) or ``!override`` (present): the
    content of an earlier document, file or extended service at these paths is dropped."""
    root: Mapping
    size: int
    """The number of values and resets."""

    def place(self, path: KeyPath) -> Place:
        """The place of *path*, or of the nearest value around it."""
        return Place(self.file, self.locate(path)[0], ".".join(map(str, path)))

    def locate(self, path: KeyPath) -> tuple[int, int]:
        """The line of the nearest value at or above *path*, and how many keys of it are there."""
        node: Node = self.root
        line = node.line
        for depth, key in enumerate(path):
            if (found := child(node, key)) is None:
                return line, depth
            line, node = found
        return line, len(path)


def parse_documents(path: Path) -> tuple[Document, ...]:
    """The documents of the file *path*, before interpolation; none for an empty file. A changed
    file is read again.

    Raises:
        CatalogError: no such file, no YAML, or something else than mappings in it.
    """
    return _parsed_files.get(path, None, lambda: _parsed(path))


Noted = dict[str, list[int] | None]
"""Files by path, with their version. None: there is no such file."""
T = TypeVar("T")


class Kept(Generic[T]):
    """Values that are made of files, by a key: the last one of each, kept while what it was made
    with, and every file that was read or looked for, stay as they were."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[object, Noted, AbstractSet[str], T]] = {}

    def get(self, key: Path | tuple[str, Path], given: object, make: Callable[[], T]) -> T:
        """The value of *key*, as *make* makes it, with what is *given*, and of files with absolute
        paths."""
        if (known := self._known.get(key)) and known[0] == given and are_current(known[1]):
            _, files, opened, value = known
            _add_noted(files)
            _add_opened(opened)
            return value
        files = {}
        with noting_files(files), collecting_opened() as opened:
            value = make()
        if time.time_ns() - last_change(files) >= _SETTLED:
            self._known[key] = given, files, opened, value
        else:
            self._known.pop(key, None)
        return value


_parsed_files: Kept[tuple[Document, ...]] = Kept()
_opened: ContextVar[set[str] | None] = ContextVar("opened", default=None)


@contextmanager
def collecting_opened() -> Iterator[AbstractSet[str]]:
    """The paths of the files whose content the block reads, as the system tells them of the open
    files: what a name leads to may change between a look at it and its use."""
    found: set[str] = set()
    token = _opened.set(found)
    try:
        yield found
    finally:
        _opened.reset(token)
        _add_opened(found)


def _add_opened(paths: Iterable[str]) -> None:
    opened = _opened.get()
    if opened is not None:
        opened.update(paths)


_noted: ContextVar[Noted | None] = ContextVar("noted", default=None)


@contextmanager
def noting_files(noted: Noted) -> Iterator[None]:
    """Add the files that the block reads or looks for to *noted*, with the version that they had
    at first."""
    token = _noted.set(noted)
    try:
        yield
    finally:
        _noted.reset(token)
        _add_noted(noted)


def _add_noted(files: Noted) -> None:
    noted = _noted.get()
    if noted is not None:
        noted.update({name: version for name, version in files.items() if name not in noted})


def _note(path: Path) -> None:
    noted = _noted.get()
    if noted is not None and (name := str(path)) not in noted:
        noted[name] = version_of(path)


def _parsed(path: Path) -> tuple[Document, ...]:
    content = read_bytes(path, Place(path))
    try:
        return tuple(_documents(path, Composer(path, content).roots()))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(path, mark.line + 1 if mark else None)
        if "nesting depth" in (error.problem or ""):
            # libyaml from 0.2.6 on looks ahead in "[[[" and reaches its own limit first.
            raise CatalogError.at(place, too_deep()) from None
        why = ", ".join(part for part in (error.context, error.problem) if part)
    except (yaml.YAMLError, UnicodeError) as error:
        position = getattr(error, "position", None)
        line = content.count(b"\n", 0, position) + 1 if isinstance(position, int) else None
        place = Place(path, line)
        why = str(getattr(error, "reason", None) or "not UTF-8")
    raise CatalogError.at(place, Text("expected valid YAML: {why}", why=why))


def read_bytes(path: Path, place: Place) -> bytes:
    """The content of the file *path*, which *place* asks for.

    Raises:
        CatalogError: at *place*, it can't be read, is no regular file, or is too big.
    """
    if path == Path(os.devnull):  # how one says "no env file"
        return b""
    if (mode := mode_of(path, place)) is None:
        raise _unreadable(path, place, Text("the file does not exist"))
    if stat.S_ISDIR(mode):
        raise _unreadable(path, place, Text("it is a folder"))
    if not stat.S_ISREG(mode):  # opening a FIFO blocks, and a device may be endless
        raise _unreadable(path, place, Text("it is not a regular file"))
    try:
        with path.open("rb") as file:
            _add_opened([path_of_open(file.fileno())])
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise _unreadable(path, place, _reason(error)) from None
    if len(content) > MAX_SIZE:
        why = Text("it is larger than {limit} MiB", limit=MAX_SIZE // 2**20)
        raise _unreadable(path, place, why)
    return content


def mode_of(path: Path, place: Place) -> int | None:
    """The ``st_mode`` of *path*. None if it does not exist.

    Raises:
        CatalogError: at *place*, it can't be looked at.
    """
    _note(path)
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, place, _reason(error)) from None


def is_file(path: Path) -> bool:
    """Whether *path* is a file; false also for a name that can't be one."""
    _note(path)
    return os.path.isfile(path)  # noqa: PTH113 - Path's raises on odd names


def _unreadable(path: Path, place: Place, why: Text) -> CatalogError:
    """The error that the file *path*, named at *place*, can't be read."""
    return CatalogError.at(place, Text("can't read {file}: {why}", file=str(path), why=why))


def _reason(error: OSError | ValueError) -> Text:
    return Text("{reason}", reason=getattr(error, "strerror", None) or error)


def _documents(file: Path, roots: Iterable[Node]) -> Iterator[Document]:
    free = MAX_VALUES
    for root in roots:
        if not isinstance(root, Mapping):
            text = Text("expected a mapping with services at the top of the file")
            raise CatalogError.at(Place(file, root.line), text)
        builder = PlainValues(file, free)
        tree = builder.mapping(root, ())
        free = builder.free
        yield Document(file, tree, frozenset(builder.resets), root, builder.size)
