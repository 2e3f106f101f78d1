"""The windows' icon is the page's own drawing."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageChops

import window_icon


def pictures() -> Iterator[Image.Image]:
    """All that the files hold."""
    with Image.open(window_icon.UI / "icon.png") as icon:
        yield icon.copy()
    for size in window_icon.SIZES:
        with Image.open(window_icon.UI / "icon.ico") as icon:
            icon.size = (size, size)  # type: ignore[misc]
            yield icon.copy()


def test_the_files_show_the_drawing() -> None:
    for picture in pictures():
        drawn = window_icon.drawn(picture.width)
        bands = ImageChops.difference(picture.convert("RGBA"), drawn).split()
        # Pillow's versions differ a little.
        assert not any(band.point(lambda value: value >= 32).getbbox() for band in bands), (
            "run: python3 build/dev.py exec -- python build/window_icon.py"
        )


def test_it_is_a_tile_with_round_corners_and_white_and_indigo_in_it() -> None:
    icon = window_icon.drawn(64)
    assert icon.getpixel((0, 0)) == (0, 0, 0, 0)
    assert icon.getpixel((4, 32)) == (0x4F, 0x5B, 0xD5, 255)
    assert icon.getpixel((32, 23)) == (255, 255, 255, 255)


def test_both_files_are_written(tmp_path: Path) -> None:
    window_icon.write(tmp_path)
    with Image.open(tmp_path / "icon.ico") as icon:
        assert icon.info["sizes"] == {(size, size) for size in window_icon.SIZES}
    with Image.open(tmp_path / "icon.png") as icon:
        assert icon.size == (window_icon.LARGE, window_icon.LARGE)
