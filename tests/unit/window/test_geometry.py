"""Where a window comes back."""

import os
from pathlib import Path

import pytest

from aiserver_tray.window.geometry import Area, Geometry, fitted, remember, remembered
from tests.support.systems import has_mode

LEFT, RIGHT = Area(0, 0, 1920, 1080), Area(1920, 0, 2560, 1440)


STORED = [
    Geometry(2000, 100, 1000, 700),
    Geometry(-800, 100, 1200, 700),  # a part of it can be taken hold of
    Geometry(1500, 200, 1200, 800, maximized=True),
]


@pytest.mark.parametrize(
    ("place", "screens", "seen"),
    [
        (None, [RIGHT, LEFT], Geometry(2600, 320, 1200, 800)),  # in the middle of the first one
        *((place, [LEFT, RIGHT], place) for place in STORED),
        (STORED[0], [LEFT], Geometry(460, 190, 1000, 700)),  # its screen is gone
        (Geometry(1850, 100, 1200, 800), [LEFT], Geometry(360, 140, 1200, 800)),  # but for a rim
        (Geometry(-5000, 100, 1200, 800), [LEFT], Geometry(360, 140, 1200, 800)),
        (Geometry(100, -300, 1200, 800), [LEFT], Geometry(100, 0, 1200, 800)),  # no title bar
        (Geometry(100, 50, 5000, 4000), [LEFT], Geometry(100, 50, 1920, 1080)),
        (Geometry(100, 50, 10, 10), [LEFT], Geometry(510, 240, 900, 600)),
        (Geometry(100, 50, 200, 200), [LEFT], Geometry(100, 50, 900, 600)),
        (None, [Area(0, 0, 800, 480)], Geometry(0, 0, 900, 600)),  # smaller than the window
    ],
)
def test_the_last_place_is_kept_as_far_as_it_is_on_a_screen(
    place: Geometry | None, screens: list[Area], seen: Geometry
) -> None:
    assert fitted(place, screens) == seen


def test_it_is_remembered_in_a_file_of_the_users_own(tmp_path: Path) -> None:
    place = Geometry(1, 2, 900, 600, maximized=True)
    remember(tmp_path / "window.json", place)
    assert remembered(tmp_path / "window.json") == place
    if os.name == "posix":  # noqa: TID251 - Windows has no such modes
        assert has_mode(tmp_path / "window.json", 0o600)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"x": 1, "y": 2, "width": 3}',
        '{"x": "1", "y": 2, "width": 900, "height": 600, "maximized": false}',
        '{"x": 1e9, "y": 2, "width": 900, "height": 600, "maximized": false}',
        '{"x": 999999999, "y": 2, "width": 900, "height": 600, "maximized": false}',
    ],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "window.json"
    file.write_text(content)
    assert remembered(file) is None
    assert remembered(tmp_path / "missing.json") is None
