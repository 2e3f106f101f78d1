"""What an eye sees of the tray's icon: its colour and its shape, found in the picture."""

from collections.abc import Callable, Iterable, Iterator
from colorsys import rgb_to_hsv
from dataclasses import dataclass
from math import cos, pi, sin

from PIL import Image

_INKED = 0.5
_ANGLES = 72


@dataclass(frozen=True)
class Look:
    """``part``: how much of the circle around is drawn, from 0 to 1."""

    colour: str
    shape: str
    part: float

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}"


def picture_of(icon: str) -> Image.Image:
    """What is in the file of an *icon*."""
    return Image.open(icon).convert("RGBA")


def look_at(picture: Image.Image) -> Look:
    """What *picture* shows, on a transparent ground, in whatever size."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 32 else 0).getbbox()
    assert box, "an empty picture"
    cut = picture.crop(box)
    ink = _Ink(cut.getchannel("A"))
    return Look(_colour(cut), ink.shape(), ink.part())


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


def _colour(picture: Image.Image) -> str:
    solid = [pixel[:3] for pixel in _pixels(picture) if pixel[3] > 200]
    mean = [sum(values) / len(solid) / 255 for values in zip(*solid, strict=True)]
    hue, saturation, _ = rgb_to_hsv(*mean)
    if saturation < 0.25:
        return "grey"
    degrees = hue * 360
    names = {"red": (345, 375), "amber": (25, 50), "green": (90, 160)}
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
        place = (round((x + 1) / 2 * (width - 1)), round((y + 1) / 2 * (height - 1)))
        value = self._alpha.getpixel(place)
        assert isinstance(value, int)
        return value / 255 > _INKED


At = Callable[[float, float], bool]
_AXES = ((0.0, -0.55), (0.55, 0.0), (0.0, 0.55), (-0.55, 0.0))
_DIAGONALS = ((0.2, 0.2), (0.2, -0.2), (-0.2, 0.2), (-0.2, -0.2))


def _all(at: At, places: Iterable[tuple[float, float]]) -> bool:
    return all(at(x, y) for x, y in places)


def _none(at: At, places: Iterable[tuple[float, float]]) -> bool:
    return not any(at(x, y) for x, y in places)


_SHAPES: dict[str, Callable[[At], bool]] = {
    "triangle": lambda at: _all(at, [(0.8, 0.85), (-0.8, 0.85)]) and not at(0.75, -0.3),
    "ring": lambda at: _none(at, [*_AXES, *_DIAGONALS, (0.0, 0.0)]),
    "ring with a slash": lambda at: (
        _none(at, [*_AXES, (0.4, 0.4), (-0.4, -0.4)])
        and _all(at, [(0.0, 0.0), (0.4, -0.4), (-0.4, 0.4)])
    ),
    "ring around a dot": lambda at: _none(at, _AXES) and _all(at, [(0.0, 0.0), *_DIAGONALS]),
    "disc with a square": lambda at: _all(at, _AXES) and _none(at, [*_DIAGONALS, (0.3, 0.0)]),
    "disc with a cross": lambda at: (
        _all(at, [*_AXES, (0.45, 0.0), (-0.45, 0.0)]) and _none(at, [*_DIAGONALS, (0.0, 0.0)])
    ),
    "disc with a check mark": lambda at: (
        _all(at, [(0.0, -0.55), (-0.4, -0.4), (0.4, 0.4)])
        and _none(at, [(-0.16, 0.36), (0.4, -0.25)])
    ),
}
