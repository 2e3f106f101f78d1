"""The picture beside the last page of the installer, drawn like the dashboard's first steps."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageColor

from window_icon import drawn

SIZE: Final = (164, 314)
"""NSIS' own, in pixels. It enlarges the picture with the window's text."""

_COLOURS: Final = ("#4a55cf", "#33308f")
"""From top to bottom."""

_ICON: Final = 72


def write_side(file: Path) -> None:
    """Write the picture to *file*, a bitmap."""
    top, bottom = map(ImageColor.getrgb, _COLOURS)
    shade = Image.linear_gradient("L").resize(SIZE)
    side = Image.composite(Image.new("RGB", SIZE, bottom), Image.new("RGB", SIZE, top), shade)
    icon = drawn(_ICON)
    side.paste(icon, ((SIZE[0] - _ICON) // 2, _ICON), icon)
    side.save(file)
