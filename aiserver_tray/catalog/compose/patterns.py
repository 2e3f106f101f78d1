"""What to do at which path: patterns such as ``services.*.build.args`` as a tree to walk beside
the values, so that no path is compared with every pattern."""

from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Trie(Generic[T]):
    """What holds for a path, and where the paths below it lead. ``*`` is any key or position."""

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
    """One key further down; None where no pattern goes."""
    if node is None:
        return None
    return node.below.get(key) or node.below.get("*")
