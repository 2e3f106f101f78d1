"""The windows' icon, drawn from the page's icon, ``ui/favicon.svg``.

``python build/window_icon.py`` writes ``ui/icon.ico`` for Windows and ``ui/icon.png`` for other
systems, which don't all support SVG; a test compares the files.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, parse

from PIL import Image, ImageDraw

UI = Path(__file__).resolve().parent.parent / "ui"
SIZES = (16, 20, 24, 32, 40, 48, 64)
"""Pixels of those in the one for Windows."""
LARGE = 128
"""Pixels of the PNG, which desktops scale down."""

_SCALE = 8
"""Drawn this much larger and then reduced, because Pillow draws no smooth edges."""


def drawn(size: int) -> Image.Image:
    """The drawing, *size* pixels wide and high."""
    drawing = parse(UI / "favicon.svg").getroot()
    scale = size * _SCALE / float(drawing.attrib["viewBox"].split()[2])
    picture = Image.new("RGBA", (size * _SCALE, size * _SCALE))
    _draw(drawing, {}, ImageDraw.Draw(picture), scale)
    # Premultiplied, because otherwise the edges get the colour of transparent pixels.
    return picture.convert("RGBa").reduce(_SCALE).convert("RGBA")


def _draw(
    element: Element, inherited: Mapping[str, str], pen: ImageDraw.ImageDraw, scale: float
) -> None:
    """Raises KeyError for elements of the drawing that are not supported."""
    look = {**inherited, **element.attrib}
    kind = element.tag.rpartition("}")[2]
    if kind in ("svg", "g"):
        for child in element:
            _draw(child, look, pen, scale)
    else:
        _PAINTERS[kind](look, pen, scale)


def _rect(look: Mapping[str, str], pen: ImageDraw.ImageDraw, scale: float) -> None:
    width, height, radius = (float(look[name]) * scale for name in ("width", "height", "rx"))
    pen.rounded_rectangle((0, 0, width - 1, height - 1), radius, look["fill"])


def _polygon(look: Mapping[str, str], pen: ImageDraw.ImageDraw, scale: float) -> None:
    pen.polygon(_points(look, scale), look["fill"])


def _polyline(look: Mapping[str, str], pen: ImageDraw.ImageDraw, scale: float) -> None:
    """A line with round ends and corners."""
    points, width = _points(look, scale), float(look["stroke-width"]) * scale
    pen.line(points, look["stroke"], round(width))
    for point in points:
        pen.circle(point, width / 2, look["stroke"])


def _points(look: Mapping[str, str], scale: float) -> list[tuple[float, float]]:
    numbers = [float(number) * scale for number in look["points"].replace(",", " ").split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


_PAINTERS: Mapping[str, Callable[[Mapping[str, str], ImageDraw.ImageDraw, float], None]] = {
    "rect": _rect,
    "polygon": _polygon,
    "polyline": _polyline,
}


def write(folder: Path) -> None:
    """Both files. The sizes for Windows are bitmaps: not all that reads icons knows PNGs there."""
    drawn(LARGE).save(folder / "icon.png")
    *smaller, largest = map(drawn, SIZES)
    sizes = [(size, size) for size in SIZES]
    largest.save(folder / "icon.ico", sizes=sizes, append_images=smaller, bitmap_format="bmp")


if __name__ == "__main__":
    write(UI)
