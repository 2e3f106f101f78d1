"""Actions by path: patterns such as ``services.*.build.args`` as a tree to walk along with the
values, so that paths are not compared with every pattern."""

from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Trie(Generic[T]):
    """The action for a path, and the tree for the paths below it. ``*`` is any key or position."""

    __slots__ = ("below", "value")

    def __init__(self) -> None:
        self.value: T | None = None
        self.below: dict[str | int, Trie[T]] = {}


def trie(table: Mapping[T, str]) -> Trie[T]:
    """From the patterns (separated by blanks) of each value."""
    root: Trie[T] = Trie()
    for value, patterns in table.items():
        for pattern in patterns.split():
            node = root
            for part in pattern.split("."):
                node = node.below.setdefault(part, Trie())
            node.value = value
    return root


def step(node: Trie[T] | None, key: str | int) -> Trie[T] | None:
    """The tree one key further down. None if no pattern matches."""
    return (node.below.get(key) or node.below.get("*")) if node else None
