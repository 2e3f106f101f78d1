"""The tray icon: each state in its own shape and colour, drawn for each size. Pure."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import cos, degrees, radians, sin
from typing import Final

from PIL import Image, ImageDraw

from aiserver_tray.model import State
from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.view import IconSpec

_SCALE: Final = 8
"""Pictures are drawn this much larger and then reduced, because Pillow draws no smooth edges."""

Colour = tuple[int, int, int]
Point = tuple[float, float]

_GREY, _AMBER, _GREEN, _RED = range(4)
_COLOURS: Mapping[Theme, Sequence[Colour]] = {
    "light": ((106, 115, 125), (178, 104, 0), (24, 135, 62), (207, 34, 46)),
    "dark": ((165, 172, 181), (255, 184, 46), (63, 200, 100), (255, 97, 97)),
}
"""Grey, amber, green, red: each has a contrast of at least 3:1 to a task bar of its theme."""


def draw(spec: IconSpec, size: int, theme: Theme) -> Image.Image:
    """The picture of *spec*, *size* pixels wide and high, with a transparent background, for a task
    bar of *theme*. It is shared, so it must not be changed."""
    part = spec.ready / spec.total if spec.total else 0.0
    return _drawn(spec.state, part, size, theme)


@lru_cache(maxsize=64)
def _drawn(state: State, part: float, size: int, theme: Theme) -> Image.Image:
    canvas = _Canvas(size)
    colour = _PAINTERS[state](canvas, part)
    icon = Image.new("RGBA", (size, size), (*_COLOURS[theme][colour], 0))
    icon.putalpha(canvas.reduced())
    return icon


class _Canvas:
    """A mask: drawn parts are visible, cut parts are not. Coordinates are pixels of the icon."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.centre = size / 2
        # Whole pixels, so that edges fall between them.
        self.stroke = max(2, int(size / 8 + 0.5))
        self.radius = size / 2 - max(1, size // 16)
        self._mask = Image.new("L", (size * _SCALE, size * _SCALE), 0)
        self._pen = ImageDraw.Draw(self._mask)

    def reduced(self) -> Image.Image:
        """The mask in the icon's own size."""
        return self._mask.reduce(_SCALE)

    def disc(self, radius: float, shade: int = 255) -> None:
        self._pen.ellipse(self._box(radius), fill=shade)

    def ring(self, shade: int = 255) -> None:
        self.disc(self.radius, shade)
        self.disc(self.radius - self.stroke, 0)

    def arc(self, part: float) -> None:
        """The first *part* of the ring, clockwise from the top, with round ends inside of it."""
        middle = self.radius - self.stroke / 2
        end_angle = degrees(self.stroke / 2 / middle)
        begin = -90 + end_angle
        end = max(begin, -90 + 360 * part - end_angle)
        self._pen.arc(self._box(self.radius), begin, end, fill=255, width=self.stroke * _SCALE)
        for angle in map(radians, (begin, end)):
            at = self.centre + middle * cos(angle), self.centre + middle * sin(angle)
            self._dot(at, self.stroke / 2, 255)

    def square(self, side: float, shade: int) -> None:
        radius = side * _SCALE / 8
        self._pen.rounded_rectangle(self._box(side / 2), radius=radius, fill=shade)

    def line(self, points: Sequence[Point], width: float, shade: int) -> None:
        """A line through *points*, with round ends and corners."""
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._pen.line(scaled, fill=shade, width=round(width * _SCALE))
        for point in points:
            self._dot(point, width / 2, shade)

    def polygon(self, points: Sequence[Point], rounding: float) -> None:
        """Filled, its corners rounded by *rounding*."""
        self._pen.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=255)
        self.line([*points, points[0]], rounding * 2, 255)

    def _dot(self, at: Point, radius: float, shade: int) -> None:
        x, y = at
        box = [(v * _SCALE) for v in (x - radius, y - radius, x + radius, y + radius)]
        self._pen.ellipse([box[0], box[1], box[2] - 1, box[3] - 1], fill=shade)

    def _box(self, radius: float) -> list[float]:
        near, far = self.centre - radius, self.centre + radius
        return [near * _SCALE, near * _SCALE, far * _SCALE - 1, far * _SCALE - 1]


_FAINT_OPACITY: Final = 84
"""Opacity, of 255, of the part of a ring that is still to come."""


def _stopped(canvas: _Canvas, _part: float) -> int:
    """A hollow ring."""
    canvas.ring()
    return _GREY


def _starting(canvas: _Canvas, part: float) -> int:
    """A ring that grows around a dot."""
    canvas.ring(_FAINT_OPACITY)
    if part >= 1:
        canvas.ring()
    elif part > 0:
        canvas.arc(part)
    canvas.disc(canvas.radius - canvas.stroke * 2)
    return _AMBER


def _running(canvas: _Canvas, _part: float) -> int:
    """A disc with a check mark."""
    canvas.disc(canvas.radius)
    unit, c = canvas.radius / 7, canvas.centre
    mark = [(c - 3.4 * unit, c + 0.3 * unit), (c - 1.1 * unit, c + 2.6 * unit)]
    mark.append((c + 3.3 * unit, c - 2.3 * unit))
    canvas.line(mark, _glyph(canvas), 0)
    return _GREEN


def _stopping(canvas: _Canvas, _part: float) -> int:
    """A disc with a square."""
    canvas.disc(canvas.radius)
    side = 2 * round(canvas.radius * 0.42)
    canvas.square(side, 0)
    return _AMBER


def _error(canvas: _Canvas, _part: float) -> int:
    """A disc with a cross."""
    canvas.disc(canvas.radius)
    arm, c = canvas.radius * 0.42, canvas.centre
    canvas.line([(c - arm, c - arm), (c + arm, c + arm)], _glyph(canvas), 0)
    canvas.line([(c - arm, c + arm), (c + arm, c - arm)], _glyph(canvas), 0)
    return _RED


def _degraded(canvas: _Canvas, _part: float) -> int:
    """A triangle with an exclamation mark; red would say that nothing works."""
    size, c, corner = canvas.size, canvas.centre, canvas.size / 11
    edge = max(1, size // 16)  # whole pixels, here and at the ends of the marks, so that none blurs
    top, bottom = corner + size / 32, size - corner - edge
    side = (bottom - top) * 0.58
    canvas.polygon([(c, top), (c + side, bottom), (c - side, bottom)], corner)
    width = 2 * max(1, round(size / 18))
    canvas.line([(c, size * 0.40), (c, int(size * 0.58))], width, 0)
    dot = c, round(size * 0.78)
    canvas.line([dot, dot], width, 0)
    return _AMBER


def _engine_down(canvas: _Canvas, _part: float) -> int:
    """A ring with a slash."""
    canvas.ring()
    reach, c = (canvas.radius - canvas.stroke / 2) * 0.7071, canvas.centre
    canvas.line([(c - reach, c + reach), (c + reach, c - reach)], canvas.stroke, 255)
    return _GREY


def _glyph(canvas: _Canvas) -> float:
    """Width of the lines of a mark in a disc."""
    return max(1.9, canvas.size * 0.115)


_PAINTERS: Mapping[State, Callable[[_Canvas, float], int]] = {
    "stopped": _stopped,
    "starting": _starting,
    "running": _running,
    "stopping": _stopping,
    "error": _error,
    "degraded": _degraded,
    "engine_down": _engine_down,
}
"""State -> the function that draws it, and its colour."""
