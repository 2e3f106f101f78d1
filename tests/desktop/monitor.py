"""The monitor of a desktop, in whose place comes another one."""

from contextlib import closing
from typing import Any

from Xlib.display import Display  # type: ignore[import-untyped]
from Xlib.ext import randr  # type: ignore[import-untyped]

from tests.support.desktop.desktop import Desktop

_PIXELS_A_MILLIMETRE = 4
_HERTZ = 60


def resize(desktop: Desktop, width: int, height: int) -> None:
    """Give the screen another size, no greater than its first, as another monitor does: the X
    server tells everybody (RandR 1.2)."""
    with closing(Display(desktop.environment["DISPLAY"])) as display:
        root = display.screen().root
        found = root.xrandr_get_screen_resources()
        output, crtc, when = found.outputs[0], found.crtcs[0], found.config_timestamp
        mode = _mode(root, width, height)
        display.xrandr_add_output_mode(output, mode)
        # The screen can't be smaller than what it shows: first it shows nothing.
        _set(display, crtc, when, 0, [])
        in_millimetres = (width // _PIXELS_A_MILLIMETRE, height // _PIXELS_A_MILLIMETRE)
        root.xrandr_set_screen_size(width, height, *in_millimetres)
        _set(display, crtc, when, mode, [output])
        display.sync()
    assert desktop.picture().size == (width, height)


def _mode(root: Any, width: int, height: int) -> int:  # noqa: ANN401 - Xlib has no types
    """A new mode of that size."""
    name = f"{width}x{height} of a test"
    clock = width * height * _HERTZ
    across, down = (width,) * 3, (height,) * 3
    timing = (0, width, height, clock, *across, 0, *down, len(name), 0)
    return int(randr.create_mode(root, timing, name).mode)


def _set(display: Any, crtc: int, when: int, mode: int, outputs: list[int]) -> None:  # noqa: ANN401
    done = display.xrandr_set_crtc_config(crtc, when, 0, 0, mode, randr.Rotate_0, outputs)
    assert done.status == randr.SetConfigSuccess
