"""How the loader says where in a Compose tree something is, and what is wrong there."""

from collections.abc import Callable

from aiserver_tray.base.i18n import Text

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the root of the tree, e.g. ``("services", "web", "ports", 0)``."""

Report = Callable[[KeyPath, Text], None]
"""Takes one problem; the caller goes on, so that one run finds as many as it can."""
