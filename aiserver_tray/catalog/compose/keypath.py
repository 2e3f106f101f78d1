"""Paths in a Compose tree of any shape: what is there, and reporting problems."""

from collections.abc import Callable, Iterable
from typing import Any

from aiserver_tray.base.i18n import Text

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the root of the tree, e.g. ``("services", "web", "ports", 0)``."""
Report = Callable[[KeyPath, Text], None]
"""Receives one problem. The caller continues, so that one run finds as many problems as
possible."""


def mappings(section: object) -> list[tuple[str, dict[str, Any]]]:
    """The entries of *section* that are mappings, if it is a mapping itself."""
    items = section.items() if isinstance(section, dict) else ()
    return [(name, entry) for name, entry in items if isinstance(entry, dict)]


def value_at(tree: object, path: Iterable[str | int]) -> Any:  # noqa: ANN401 - the file may contain anything
    """The value at *path* in mappings. None if there is none."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
