"""The nodes of a YAML file, with their lines, before they have values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave it out

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text

MAX_DEPTH = 100
"""Levels of nesting; Compose itself needs ten."""
MAX_NODES = 200_000
"""Values and keys in one file; Compose files have hundreds."""
TAGS = "tag:yaml.org,2002:"
"""The prefix for ``!!``."""
MERGE = "<<"


@dataclass(slots=True)
class Scalar:
    """A scalar in the file. ``quoted``: in quotes or a block, so always text."""

    line: int
    tag: str
    text: str
    quoted: bool


@dataclass(slots=True)
class Sequence:
    """A list in the file."""

    line: int
    tag: str
    items: "list[Node]"


@dataclass(slots=True)
class Mapping:
    """A mapping in the file, including merge keys."""

    line: int
    tag: str
    entries: "list[tuple[Scalar, Node]]"


Node = Scalar | Sequence | Mapping


def too_deep() -> Text:
    """The problem of a file with more than `MAX_DEPTH` levels."""
    return Text("expected at most {limit} levels of nesting", limit=MAX_DEPTH)


class Composer:
    """Builds nodes from the events of libyaml's parser. PyYAML's own composer recurses in C without
    a limit."""

    def __init__(self, file: Path, content: bytes) -> None:
        self._file = file
        self._parser = CParser(content)
        self._anchors: dict[str, Node | None] = {}
        self._count = 0

    def roots(self) -> Iterator[Node]:
        """The root of each document."""
        while not isinstance(event := self._parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._check_version(event)
                self._anchors.clear()
                yield self._node(self._parser.get_event(), 0)

    def _check_version(self, event: Any) -> None:  # noqa: ANN401
        # libyaml accepts 1.2 too, but reads it as 1.1; Docker Compose rejects it.
        if event.version not in (None, (1, 1)):
            found = ".".join(map(str, event.version))
            text = Text("expected no %YAML directive, or version 1.1, found {found}", found=found)
            raise self._error(event.start_mark.line + 1, text)

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 - PyYAML's events have no types
        line: int = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise self._error(line, too_deep())
        self._count += 1
        if self._count > MAX_NODES:
            text = Text("expected at most {limit} values and keys in a file", limit=MAX_NODES)
            raise self._error(line, text)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._collected(event, line, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _collected(self, event: Any, line: int, depth: int) -> Node:  # noqa: ANN401
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, event.tag or "", event.value, bool(event.style))
        if isinstance(event, yaml.SequenceStartEvent):
            items = [self._node(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)]
            return Sequence(line, event.tag or "", items)
        entries = []
        for start in self._until(yaml.MappingEndEvent):
            key = self._node(start, depth + 1)
            value = self._node(self._parser.get_event(), depth + 1)
            if not isinstance(key, Scalar):
                raise self._error(key.line, Text("expected text as a key, found a list or mapping"))
            entries.append((key, value))
        return Mapping(line, event.tag or "", entries)

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := self._parser.get_event(), end):
            yield event

    def _alias(self, name: str | None, line: int) -> Node:
        if name is None or name not in self._anchors:
            raise self._error(line, Text("there is no anchor &{name} above", name=name))
        node = self._anchors[name]
        if node is None:
            raise self._error(line, Text("the alias *{name} is inside its own anchor", name=name))
        return node

    def _error(self, line: int, text: Text) -> CatalogError:
        return CatalogError.at(Place(self._file, line), text)


def child(node: Node, key: str | int) -> tuple[int, Node] | None:
    """The line and the node of *key* in *node*; also of one that a merge key brings."""
    if isinstance(node, Sequence):
        if isinstance(key, int) and key < len(node.items):
            return node.items[key].line, node.items[key]
        return None
    if isinstance(node, Scalar):
        return None
    for name, value in node.entries:
        if name.text == key:
            return name.line, value
    merged = (source for name, value in node.entries if is_merge(name) for source in each(value))
    return next((found for source in merged if (found := child(source, key))), None)


def is_merge(key: Scalar) -> bool:
    """Whether *key* brings in the entries of other mappings."""
    return key.text == MERGE and not key.quoted and key.tag in ("", "!", TAGS + "merge")


def each(node: Node) -> list[Node]:
    """The mappings that a merge key names."""
    return node.items if isinstance(node, Sequence) else [node]
