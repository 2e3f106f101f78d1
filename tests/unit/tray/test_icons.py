"""What the icons show: found in their pixels."""

from itertools import combinations, groupby
from typing import get_args

import pytest
from PIL import Image, ImageChops, ImageStat

from aiserver_tray.model import State
from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.view import IconSpec

SIZES = (16, 20, 24, 32, 40, 48, 64)
THEMES: tuple[Theme, ...] = ("light", "dark")
BARS = {"light": (238, 238, 238), "dark": (32, 32, 32)}
SPECS = [
    IconSpec(state, 3, 7) if state == "starting" else IconSpec(state) for state in get_args(State)
]
HUES = {
    "stopped": "grey",
    "starting": "amber",
    "running": "green",
    "degraded": "amber",
    "error": "red",
    "stopping": "amber",
    "engine_down": "grey",
}

each_size = pytest.mark.parametrize("size", SIZES)
each_theme = pytest.mark.parametrize("theme", THEMES)


def on_bar(spec: IconSpec, size: int, theme: Theme) -> Image.Image:
    ground = Image.new("RGB", (size, size), BARS[theme])
    icon = draw(spec, size, theme)
    ground.paste(icon, (0, 0), icon)
    return ground


def hue(colour: tuple[int, ...]) -> str:
    red, green, blue = colour[:3]
    if max(red, green, blue) - min(red, green, blue) < 40:
        return "grey"
    if green == max(red, green, blue):
        return "green"
    return "amber" if green > 1.5 * blue and green > red * 0.5 else "red"


def luminance(colour: tuple[int, ...]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour[:3])
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@each_size
@each_theme
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.state)
def test_each_state_has_its_colour_on_a_transparent_ground(
    spec: IconSpec, size: int, theme: Theme
) -> None:
    icon = draw(spec, size, theme)
    assert (icon.mode, icon.size) == ("RGBA", (size, size))
    solid = {colour for _, colour in icon.getcolors(size * size) or [] if colour[3] == 255}  # type: ignore[index]
    (colour,) = solid
    assert isinstance(colour, tuple)
    assert hue(colour) == HUES[spec.state]
    light, dark = sorted([luminance(colour), luminance(BARS[theme])], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3, "hard to see on the task bar"
    corner = icon.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert corner[3] == 0


@each_size
@each_theme
def test_states_differ_without_their_colours_too(size: int, theme: Theme) -> None:
    masks = {spec.state: draw(spec, size, theme).getchannel("A") for spec in SPECS}
    for one, other in combinations(masks, 2):
        difference = ImageStat.Stat(ImageChops.difference(masks[one], masks[other])).mean[0]
        assert difference > 255 * 0.05, f"{one} looks like {other}"


@each_size
def test_bar_and_dot_of_the_exclamation_mark_are_apart(size: int) -> None:
    mask = draw(IconSpec("degraded"), size, "light").getchannel("A")
    middle = mask.crop((size // 2 - 1, 0, size // 2 + 1, size))
    rows = [middle.tobytes()[at : at + 2] for at in range(0, 2 * size, 2)]
    kinds = ["clear" if max(row) < 64 else "inked" if min(row) == 255 else "" for row in rows]
    parts = [kind for kind, _ in groupby(filter(None, kinds))]
    assert parts[parts.index("inked") :][:5] == ["inked", "clear"] * 2 + ["inked"], kinds


@each_size
def test_the_ring_grows_with_each_service(size: int) -> None:
    shown = [
        ImageStat.Stat(draw(IconSpec("starting", k, 7), size, "dark").getchannel("A")).sum[0]
        for k in range(8)
    ]
    assert shown == sorted(set(shown))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.state)
def test_a_small_one_is_sharper_than_a_large_one_made_small(spec: IconSpec) -> None:
    large = draw(spec, 64, "dark").resize((16, 16), Image.Resampling.LANCZOS)
    assert sharpness(draw(spec, 16, "dark")) > sharpness(large)


def sharpness(icon: Image.Image) -> int:
    """How many pixels are wholly on or off."""
    steps = icon.getchannel("A").histogram()
    return sum(steps[:8]) + sum(steps[-8:])


def test_the_same_picture_is_drawn_once() -> None:
    assert draw(IconSpec("starting", 1, 2), 16, "dark") is draw(
        IconSpec("starting", 2, 4), 16, "dark"
    )


def test_a_state_that_knows_no_services_is_drawn_too() -> None:
    assert on_bar(IconSpec("starting", 0, 0), 16, "dark") == on_bar(
        IconSpec("starting", 0, 5), 16, "dark"
    )
