"""Paths in a Compose tree, and reporting problems there."""

from collections.abc import Callable

from aiserver_tray.base.i18n import Text

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the root of the tree, e.g. ``("services", "web", "ports", 0)``."""
Report = Callable[[KeyPath, Text], None]
"""Receives one problem. The caller continues, so that one run finds as many problems as
possible."""
