"""From YAML nodes to plain values.

Scalars have the meaning that go-yaml v3 gives them, because ``docker compose`` uses it: ``yes``,
``no``, ``on`` and ``off`` are text, ``0o17``, ``017`` and ``0x1F`` are numbers, ``1_000`` is 1000,
and a date is a timestamp.
"""

from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.nodes import (
    MAX_DEPTH,
    MERGE,
    TAGS,
    Mapping,
    Node,
    Scalar,
    Sequence,
    each,
    is_merge,
)
from aiserver_tray.catalog.compose.yaml_scalars import ScalarError, resolve_scalar

MAX_VALUES = 100_000
"""Values in one file once aliases are expanded: a few lines can name billions."""


class PlainValues:
    """Converts the nodes of *file* to at most *most* plain values. An alias is built again at each
    use, so that no two places share a value.

    Raises:
        CatalogError: from every method: a node has no value, or there are too many.
    """

    def __init__(self, file: Path, most: int) -> None:
        self._file = file
        self._most = most
        self._count = 0
        self.resets: set[KeyPath] = set()

    @property
    def size(self) -> int:
        """The values and resets, and the document itself."""
        return 1 + self._count + len(self.resets)

    @property
    def free(self) -> int:
        """How many more values the file may have."""
        return self._most - self._count

    def value(self, node: Node, path: KeyPath) -> Any:  # noqa: ANN401 - the file may contain anything
        """The value of *node*, which is at *path*."""
        self._count += 1
        if self._count > self._most or len(path) > MAX_DEPTH:
            text = Text("expected a smaller file: its aliases expand to too many values")
            raise self._error(node, path, text)
        if node.tag == "!override":
            self.resets.add(path)
        if isinstance(node, Scalar):
            return self._scalar(node, path)
        if isinstance(node, Sequence):
            return self._sequence(node, path)
        return self.mapping(node, path)

    def _sequence(self, node: Sequence, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.items):
            if item.tag == "!reset":
                self.resets.add((*path, index))
            else:
                values.append(self.value(item, (*path, index)))
        return values

    def mapping(self, node: Mapping, path: KeyPath) -> dict[str, Any]:
        """The value of the mapping *node*, which is at *path*."""
        built: dict[str, Any] = {}
        merges: list[Node] = []
        seen: set[str] = set()
        for key, value in node.entries:
            here = (*path, key.text)
            if value.tag == "!reset":
                self.resets.add(path if is_merge(key) else here)
                continue
            if key.text in seen:
                raise self._error(key, here, Text("expected each key only once, found a duplicate"))
            seen.add(key.text)
            if is_merge(key):
                merges = each(value)
            else:
                self._check_key(key, here)
                built[key.text] = self.value(value, here)
        for source in merges:
            self._merge(source, path, built)
        return built

    def _merge(self, source: Node, path: KeyPath, built: dict[str, Any]) -> None:
        if not isinstance(source, Mapping):
            text = Text("expected a mapping to merge, or a list of mappings")
            raise self._error(source, (*path, MERGE), text)
        for name, value in self.value(source, path).items():
            built.setdefault(name, value)

    def _check_key(self, key: Scalar, path: KeyPath) -> None:
        if not isinstance(self._scalar(key, path), str):
            text = Text("expected text as a key, found {found}; put it in quotes", found=key.text)
            raise self._error(key, path, text)

    def _scalar(self, node: Scalar, path: KeyPath) -> str | int | float | bool | None:
        tag = node.tag.replace(TAGS, "!!", 1) if node.tag.startswith(TAGS) else node.tag
        if node.quoted and tag in ("", "!"):
            return node.text
        in_extension = any(isinstance(key, str) and key.startswith("x-") for key in path)
        try:
            return resolve_scalar(node.text, tag, "json" if in_extension else "text")
        except ScalarError as error:
            raise self._error(node, path, error.text) from None

    def _error(self, node: Node, path: KeyPath, text: Text) -> CatalogError:
        return CatalogError.at(Place(self._file, node.line, ".".join(map(str, path))), text)
