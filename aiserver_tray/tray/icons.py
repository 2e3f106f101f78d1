"""The tray icon: the applet's mark with the state as a badge. Each state has its own shape and
colours, drawn for each size. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin
from typing import Final, Literal

from PIL import Image, ImageDraw

from aiserver_tray.model import State
from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.view import IconSpec

_SCALE = 8
"""Pictures are drawn this much larger and then reduced, because Pillow draws no smooth edges."""

Colour = Literal["indigo", "grey", "slate", "green", "amber", "red"]
Point = tuple[float, float]

COLOURS: Mapping[Theme, Mapping[Colour, str]] = {
    "light": {
        "indigo": "#4f5bd5",
        "grey": "#7f8799",
        "slate": "#4a5163",
        "green": "#12753f",
        "amber": "#9a5c00",
        "red": "#c9302c",
    },
    "dark": {
        "indigo": "#6673ee",
        "grey": "#6b7386",
        "slate": "#c9d0de",
        "green": "#5fd38d",
        "amber": "#f2b84b",
        "red": "#ff7b73",
    },
}
"""Each has a contrast of at least 3:1 to a task bar of its theme. A mark is indigo or grey; the
others are for badges."""

_ROOMY_PIXELS: Final = 20
"""From this size on, there is room for details."""

_WHITE: Final = "#ffffff"
_CLEAR: Final = "#00000000"


def draw(spec: IconSpec, size: int, theme: Theme) -> Image.Image:
    """The picture of *spec*, *size* pixels wide and high, with a transparent background, for a task
    bar of *theme*. It is shared, so it must not be changed."""
    part = spec.ready / spec.total if spec.total else 0.0
    return _drawn(spec.state, part, size, theme)


@lru_cache(maxsize=64)
def _drawn(state: State, part: float, size: int, theme: Theme) -> Image.Image:
    badge, colours = _BADGES[state], COLOURS[theme]
    picture = Image.new("RGBA", (size * _SCALE, size * _SCALE))
    pen = _Pen(picture, size)
    _mark(pen, colours[badge.mark])
    pen.margin = round(size / 13)
    badge.outline(pen, _CLEAR)  # a gap keeps badge and mark apart at every size
    pen.margin = 0
    badge.paint(pen, colours[badge.colour], part)
    # Premultiplied, because otherwise the edges get the colour of transparent pixels.
    return picture.convert("RGBa").reduce(_SCALE).convert("RGBA")


class _Pen:
    """Draws on a picture. Coordinates are pixels of the icon, and widths whole pixels where they
    can be, so that edges fall between pixels."""

    def __init__(self, picture: Image.Image, size: int) -> None:
        self.size = size
        self.radius = size // 2 / 2
        """of the badge, which has the lower right quarter of the icon"""
        self.centre = size - self.radius
        """of the badge, on both axes"""
        self.stroke = max(1.75, size / 11)
        self.is_small = size < _ROOMY_PIXELS
        self.margin = 0
        """discs, squares and triangles are larger by this on each side"""
        self._draw = ImageDraw.Draw(picture)

    def disc(self, colour: str, radius: float | None = None, at: Point | None = None) -> None:
        """The badge's disc, or another one."""
        radius = (self.radius if radius is None else radius) + self.margin
        self._draw.ellipse(self._box(radius, at or (self.centre, self.centre)), fill=colour)

    def square(self, colour: str) -> None:
        half = self.radius + self.margin
        box = self._box(half, (self.centre, self.centre))
        self._draw.rounded_rectangle(box, half * 0.5 * _SCALE, fill=colour)

    def triangle(self, colour: str) -> None:
        corner = self.radius / 8
        near, far = self.centre - self.radius + corner, self.centre + self.radius - corner
        points = [(self.centre, near), (far, far), (near, far)]
        self._draw.polygon(self._scaled(points), fill=colour)
        self.line([*points, points[0]], 2 * (corner + self.margin), colour)

    def arc(self, colour: str, part: float) -> None:
        """The first *part* of the badge's ring, clockwise from the top."""
        box, width = self._box(self.radius, (self.centre, self.centre)), self.stroke * _SCALE
        self._draw.arc(box, -90, -90 + 360 * part, fill=colour, width=round(width))

    def line(self, points: Sequence[Point], width: float, colour: str) -> None:
        """A line through *points*, with round ends and corners."""
        self._draw.line(self._scaled(points), fill=colour, width=round(width * _SCALE))
        for point in points:
            self._draw.ellipse(self._box(width / 2, point), fill=colour)

    def diamond(self, left: Point, top: Point, colour: str) -> None:
        """The one with these corners."""
        (x, y), (middle, upper) = left, top
        points = [left, top, (2 * middle - x, y), (middle, 2 * y - upper)]
        self._draw.polygon(self._scaled(points), fill=colour)

    def ground(self, colour: str) -> None:
        """The rounded square of the whole icon."""
        side = self.size * _SCALE
        self._draw.rounded_rectangle((0, 0, side - 1, side - 1), side / 4, fill=colour)

    @staticmethod
    def _scaled(points: Sequence[Point]) -> list[Point]:
        return [(x * _SCALE, y * _SCALE) for x, y in points]

    @staticmethod
    def _box(radius: float, at: Point) -> list[float]:
        (x, y), r = at, radius
        near = [(x - r) * _SCALE, (y - r) * _SCALE]
        return [*near, (x + r) * _SCALE - 1, (y + r) * _SCALE - 1]


def _mark(pen: _Pen, colour: str) -> None:
    """The applet's mark, a stack of layers: that of `ui/favicon.svg`, moved away from the badge."""
    unit = pen.size / 16
    pen.ground(colour)
    if pen.is_small:
        pen.diamond((2.2 * unit, 5.5 * unit), (7.5 * unit, 2.3 * unit), _WHITE)
        layers, left, middle, drop, width = [9.2], 2.5, 7.5, 3.0, 1.5
    else:
        pen.diamond((3.2 * unit, 5.6 * unit), (7.6 * unit, 3.0 * unit), _WHITE)
        layers, left, middle, drop, width = [8.3, 10.9], 3.2, 7.6, 2.5, 1.15
    for y in layers:
        line = [(left, y), (middle, y + drop), (2 * middle - left, y)]
        pen.line([(x * unit, y * unit) for x, y in line], width * unit, _WHITE)


_LEAST_ARC, _MOST_ARC = 0.25, 0.85
"""The parts of the ring at the begin and at the end of a start: there is always a gap."""


def _disc(pen: _Pen, colour: str, _part: float) -> None:
    pen.disc(colour)


def _growing_ring(pen: _Pen, colour: str, part: float) -> None:
    pen.arc(colour, _LEAST_ARC + (_MOST_ARC - _LEAST_ARC) * part)


def _ring_of_dots(pen: _Pen, colour: str, _part: float) -> None:
    radius, count = pen.radius * 0.3, 4 if pen.is_small else 6
    for number in range(count):
        turn, reach = 2 * pi * number / count, pen.radius - radius
        at = pen.centre + reach * sin(turn), pen.centre - reach * cos(turn)
        pen.disc(colour, radius, at)


def _triangle(pen: _Pen, colour: str, _part: float) -> None:
    pen.triangle(colour)


def _square_with_cross(pen: _Pen, colour: str, _part: float) -> None:
    pen.square(colour)
    arm, c, width = pen.radius * 0.44, pen.centre, _thin(pen)
    pen.line([(c - arm, c - arm), (c + arm, c + arm)], width, _CLEAR)
    pen.line([(c - arm, c + arm), (c + arm, c - arm)], width, _CLEAR)


def _ring(pen: _Pen, colour: str, _part: float) -> None:
    pen.arc(colour, 1)


def _ring_with_slash(pen: _Pen, colour: str, _part: float) -> None:
    pen.arc(colour, 1)
    reach, c = (pen.radius - pen.stroke / 2) * 0.7071, pen.centre
    pen.line([(c - reach, c - reach), (c + reach, c + reach)], _thin(pen), colour)


def _thin(pen: _Pen) -> float:
    """Width of a diagonal within a badge: in a small one, just one pixel of each row."""
    return 1.2 if pen.is_small else pen.stroke * 0.85


@dataclass(frozen=True, slots=True)
class _Badge:
    """What the icon shows of a state."""

    paint: Callable[[_Pen, str, float], None]
    colour: Colour
    mark: Colour = "indigo"
    outline: Callable[[_Pen, str], None] = _Pen.disc
    """draws what is cut out of the mark"""


_BADGES: Mapping[State, _Badge] = {
    "stopped": _Badge(_ring, "slate", "grey"),
    "starting": _Badge(_growing_ring, "amber"),
    "running": _Badge(_disc, "green"),
    "stopping": _Badge(_ring_of_dots, "slate"),
    "error": _Badge(_square_with_cross, "red", outline=_Pen.square),
    "degraded": _Badge(_triangle, "amber", outline=_Pen.triangle),
    "engine_down": _Badge(_ring_with_slash, "slate", "grey"),
}
