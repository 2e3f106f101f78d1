"""The last place of a window, and its place on the current screens."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from aiserver_tray.system.files import write_private

WIDTH: Final = 1200
HEIGHT: Final = 800
MINIMUM_SIZE: Final = (900, 600)
_MIN_VISIBLE_PIXELS: Final = 100
"""Pixels of a window, in each direction, that must be on a screen so that the user can reach it."""


@dataclass(frozen=True)
class Area:
    """A place on the screens, such as one of them."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Geometry(Area):
    """A window's place and size when it is not maximized."""

    maximized: bool = False


def fitted(wanted: Geometry | None, screens: Sequence[Area]) -> Geometry:
    """*wanted* as far as it can be seen: on a screen that exists, and no larger than it. None: as
    at a first start, in the middle of the first screen."""
    screen = next((area for area in screens if wanted and _holds(area, wanted)), screens[0])
    width = max(MINIMUM_SIZE[0], min(wanted.width if wanted else WIDTH, screen.width))
    height = max(MINIMUM_SIZE[1], min(wanted.height if wanted else HEIGHT, screen.height))
    maximized = wanted is not None and wanted.maximized
    if wanted is None or not _holds(screen, wanted):
        x, y = screen.x + (screen.width - width) // 2, screen.y + (screen.height - height) // 2
        return Geometry(max(screen.x, x), max(screen.y, y), width, height, maximized)
    # The title bar is at the top, so it must not be above the screen.
    return Geometry(wanted.x, max(screen.y, wanted.y), width, height, maximized)


def _holds(area: Area, window: Geometry) -> bool:
    across = min(window.x + window.width, area.x + area.width) - max(window.x, area.x)
    down = min(window.y + window.height, area.y + area.height) - max(window.y, area.y)
    return across >= _MIN_VISIBLE_PIXELS and down >= _MIN_VISIBLE_PIXELS


def remembered(path: Path) -> Geometry | None:
    """The geometry in *path*. None if it is missing or not valid."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_bytes())
        place = {name: found[name] for name in ("x", "y", "width", "height")}
        if all(type(number) is int and abs(number) < 100_000 for number in place.values()):
            return Geometry(**place, maximized=found["maximized"] is True)
    return None


def remember(path: Path, geometry: Geometry) -> None:
    """Keep *geometry* for the next time.

    Raises:
        OSError: it can't be written.
    """
    write_private(path, json.dumps(asdict(geometry)).encode())
