"""What an eye sees of the tray's icon: the colour of its mark, and colour and shape of the badge in
its lower right quarter, found in the picture."""

from collections.abc import Callable, Iterable, Iterator
from colorsys import rgb_to_hsv
from dataclasses import dataclass
from math import cos, pi, sin

from PIL import Image

_INKED = 0.5
_ANGLES = 72


@dataclass(frozen=True)
class Look:
    """``part``: how much of the circle around the badge is drawn, from 0 to 1."""

    mark: str
    badge: str
    shape: str
    part: float

    def __str__(self) -> str:
        return f"{self.mark} mark, {self.badge} {self.shape}"


def picture_of(icon: str) -> Image.Image:
    """What is in the file of an *icon*."""
    return Image.open(icon).convert("RGBA")


def look_at(picture: Image.Image) -> Look:
    """What *picture* shows, on a transparent ground, in whatever size."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 32 else 0).getbbox()
    assert box, "an empty picture"
    icon = picture.crop(box)
    size, half = icon.width, icon.width // 2
    mark = icon.crop((0, 0, size, size - half))
    badge = icon.crop((size - half, size - half, size, size))
    ink = _Ink(badge.getchannel("A"))
    return Look(_colour(_pixels(mark)), _colour(_middle(badge)), ink.shape(), ink.part())


def on_ground(picture: Image.Image, ground: tuple[int, int, int]) -> Image.Image:
    """*picture* of a screen, with what is of the colour *ground* made transparent."""
    seen = picture.convert("RGB")
    alpha = Image.new("L", seen.size)
    distances = [_distance(pixel, ground) for pixel in _pixels(seen)]
    most = max(*distances, 1)
    alpha.putdata([distance * 255 // most for distance in distances])
    seen.putalpha(alpha)
    return seen


def _pixels(picture: Image.Image) -> Iterator[tuple[int, ...]]:
    width = len(picture.getbands())
    raw = picture.tobytes()
    return (tuple(raw[at : at + width]) for at in range(0, len(raw), width))


def _distance(one: Iterable[int], other: Iterable[int]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _middle(badge: Image.Image) -> Iterator[tuple[int, ...]]:
    """The pixels of the badge's disc; around that, there is a bit of the mark."""
    radius = badge.width / 2
    for place, pixel in enumerate(_pixels(badge)):
        y, x = divmod(place, badge.width)
        if (x + 0.5 - radius) ** 2 + (y + 0.5 - radius) ** 2 < radius**2:
            yield pixel


def _colour(pixels: Iterable[tuple[int, ...]]) -> str:
    solid = [pixel[:3] for pixel in pixels if pixel[3] > 255 * _INKED]
    assert solid, "nothing but edges"
    mean = [sum(values) / len(solid) / 255 for values in zip(*solid, strict=True)]
    hue, saturation, _ = rgb_to_hsv(*mean)
    if saturation < 0.3:
        return "grey"
    degrees = hue * 360
    names = {"red": (345, 375), "amber": (25, 50), "green": (90, 160), "indigo": (225, 245)}
    for name, (first, last) in names.items():
        if first <= degrees <= last or first <= degrees + 360 <= last:
            return name
    return f"hue {degrees:.0f}"


class _Ink:
    """Where there is something. Places are counted from the middle, the edge is at 1."""

    def __init__(self, alpha: Image.Image) -> None:
        self._alpha = alpha

    def part(self) -> float:
        """How much of the outer circle is drawn."""
        turns = (2 * pi * n / _ANGLES for n in range(_ANGLES))
        drawn = [self._at(0.84 * sin(turn), -0.84 * cos(turn)) for turn in turns]
        return sum(drawn) / _ANGLES

    def shape(self) -> str:
        """The first of the known shapes whose marks are all there."""
        found = [name for name, marks in _SHAPES.items() if marks(self._at)]
        return found[0] if found else "unknown"

    def _at(self, x: float, y: float) -> bool:
        width, height = self._alpha.size
        place = (int((x + 1) / 2 * width), int((y + 1) / 2 * height))
        value = self._alpha.getpixel(place)
        assert isinstance(value, int)
        return value / 255 > _INKED


At = Callable[[float, float], bool]
_DIAGONALS = ((0.2, 0.2), (0.2, -0.2), (-0.2, 0.2), (-0.2, -0.2))
_AXES = ((0.0, -0.45), (0.45, 0.0), (0.0, 0.45), (-0.45, 0.0))
_CORNERS = ((0.88, 0.88), (0.88, -0.88), (-0.88, 0.88), (-0.88, -0.88))


def _all(at: At, places: Iterable[tuple[float, float]]) -> bool:
    return all(at(x, y) for x, y in places)


def _none(at: At, places: Iterable[tuple[float, float]]) -> bool:
    return not any(at(x, y) for x, y in places)


def _around(*turns: float) -> list[tuple[float, float]]:
    """The places of these *turns* on the badge's edge, clockwise from the top."""
    return [(0.8 * sin(2 * pi * turn), -0.8 * cos(2 * pi * turn)) for turn in turns]


_ALL_AROUND = _around(*(n / 12 for n in range(12)))
_WITHIN = [*_DIAGONALS, (0.0, 0.0)]

_SHAPES: dict[str, Callable[[At], bool]] = {
    "square with a cross": lambda at: (
        _all(at, [*_AXES, *_ALL_AROUND, (0.7, 0.7), (-0.7, 0.7)]) and _none(at, _WITHIN)
    ),
    "triangle": lambda at: (
        _all(at, [(0.8, 0.8), (-0.8, 0.8), *_WITHIN]) and _none(at, [(0.55, -0.4), (-0.55, -0.4)])
    ),
    "disc": lambda at: _all(at, [*_ALL_AROUND, *_AXES, *_WITHIN]),
    "ring": lambda at: _all(at, _ALL_AROUND) and _none(at, [*_AXES, *_WITHIN]),
    "ring with a slash": lambda at: (
        _all(at, [*_ALL_AROUND, (0.0, 0.0), (0.4, 0.4), (-0.4, -0.4)])
        and _none(at, [(0.35, -0.35), (-0.35, 0.35)])
    ),
    "ring with a gap": lambda at: (
        _all(at, _around(0.07, 0.13, 0.2)) and _none(at, [*_around(0.92), *_AXES, *_WITHIN])
    ),
    "ring of dots": lambda at: (
        _all(at, _around(0.0, 0.5)) and _none(at, [*_around(1 / 12, 5 / 12, 7 / 12), *_WITHIN])
    ),
}
