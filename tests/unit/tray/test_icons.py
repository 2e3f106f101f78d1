"""What the icons show: found in their pixels."""

from itertools import combinations
from operator import sub
from typing import get_args

import pytest
from PIL import Image, ImageChops, ImageColor, ImageStat

from aiserver_tray.model import State
from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.icons import COLOURS, draw
from aiserver_tray.tray.view import IconSpec
from tests.support.desktop.looks import look_at, on_ground

SIZES = (16, 20, 24, 28, 32, 40, 48, 64)
THEMES: tuple[Theme, ...] = ("light", "dark")
BARS = {"light": (238, 238, 238), "dark": (32, 32, 32)}
SPECS = [
    IconSpec(state, 3, 7) if state == "starting" else IconSpec(state) for state in get_args(State)
]
LOOKS = {
    "stopped": "grey mark, grey ring",
    "starting": "indigo mark, amber ring with a gap",
    "running": "indigo mark, green disc",
    "degraded": "indigo mark, amber triangle",
    "error": "indigo mark, red square with a cross",
    "stopping": "indigo mark, grey ring of dots",
    "engine_down": "grey mark, grey ring with a slash",
}

each_size = pytest.mark.parametrize("size", SIZES)
each_theme = pytest.mark.parametrize("theme", THEMES)


def on_bar(spec: IconSpec, size: int, theme: Theme) -> Image.Image:
    ground = Image.new("RGB", (size, size), BARS[theme])
    icon = draw(spec, size, theme)
    ground.paste(icon, (0, 0), icon)
    return ground


def badge_of(spec: IconSpec, size: int, theme: Theme) -> Image.Image:
    """Where there is something of the badge, in black and white."""
    return draw(spec, size, theme).getchannel("A").crop((size // 2, size // 2, size, size))


def luminance(colour: tuple[int, ...]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour[:3])
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@each_size
@each_theme
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.state)
def test_each_state_has_its_shape_and_colours_on_a_transparent_ground(
    spec: IconSpec, size: int, theme: Theme
) -> None:
    icon = draw(spec, size, theme)
    assert (icon.mode, icon.size) == ("RGBA", (size, size))
    assert str(look_at(icon)) == LOOKS[spec.state]
    assert str(look_at(on_ground(on_bar(spec, size, theme), BARS[theme]))) == LOOKS[spec.state]
    corner = icon.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert corner[3] == 0


@each_theme
def test_each_colour_is_easy_to_see_on_the_task_bar(theme: Theme) -> None:
    for name, colour in COLOURS[theme].items():
        pair = luminance(ImageColor.getrgb(colour)), luminance(BARS[theme])
        dark, light = sorted(pair)
        assert (light + 0.05) / (dark + 0.05) >= 3, name


@each_size
@each_theme
def test_states_differ_without_their_colours_too(size: int, theme: Theme) -> None:
    badges = {spec.state: badge_of(spec, size, theme) for spec in SPECS}
    for one, other in combinations(badges, 2):
        difference = ImageStat.Stat(ImageChops.difference(badges[one], badges[other])).mean[0]
        assert difference > 255 * 0.05, f"{one} looks like {other}"


@each_size
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.state)
def test_the_badge_is_cut_out_of_the_mark(spec: IconSpec, size: int) -> None:
    icon, middle = draw(spec, size, "light"), size - size // 4 - 1
    row = icon.getchannel("A").crop((0, middle, size, middle + 1)).tobytes()
    assert row[size // 4] == 255, "the mark"
    gap = row[size // 4 : size // 2 + size // 8]
    assert min(gap) < 64, "the gap between mark and badge"


@each_size
def test_the_ring_grows_with_each_service_and_never_closes(size: int) -> None:
    shown = [
        ImageStat.Stat(badge_of(IconSpec("starting", k, 7), size, "dark")).sum[0] for k in range(8)
    ]
    assert shown == sorted(set(shown))
    for ready in (0, 7):
        assert str(look_at(draw(IconSpec("starting", ready, 7), size, "dark"))) == LOOKS["starting"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.state)
def test_a_small_one_is_sharper_than_a_large_one_made_small(spec: IconSpec) -> None:
    large = on_bar(spec, 64, "dark").resize((16, 16), Image.Resampling.LANCZOS)
    assert sharpness(on_bar(spec, 16, "dark")) > sharpness(large)


def sharpness(picture: Image.Image) -> int:
    """How many pixels have just one of the colours, and are no edges."""
    inks = ["#ffffff", *COLOURS["dark"].values()]
    colours = [BARS["dark"], *(ImageColor.getrgb(ink)[:3] for ink in inks)]
    pixels = [picture.tobytes()[at : at + 3] for at in range(0, 3 * 16 * 16, 3)]
    near = [
        any(max(map(abs, map(sub, pixel, colour))) < 8 for colour in colours) for pixel in pixels
    ]
    return sum(near)


def test_the_same_picture_is_drawn_once_also_of_a_state_that_knows_no_services() -> None:
    one, same = (draw(IconSpec("starting", ready, 2 * ready), 16, "dark") for ready in (1, 2))
    assert one is same
    none, of_five = (on_bar(IconSpec("starting", 0, total), 16, "dark") for total in (0, 5))
    assert none == of_five
