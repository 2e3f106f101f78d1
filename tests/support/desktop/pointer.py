"""A task bar that takes icons as windows, and a user with a pointer, a keyboard and eyes only."""

import time
from pathlib import Path

from PIL import Image, ImageChops

from tests.support.desktop.desktop import Desktop
from tests.support.desktop.looks import Look, look_at, on_ground
from tests.support.limits import LIMIT
from tests.support.waiting import POLL_SECONDS, eventually

SIZE = 24
_GROUND = (246, 246, 246)
GTK_CHOICE = (53, 132, 228)
"""The colour of GTK's usual theme for the line of a menu that would be taken."""

_ELSEWHERE = ("1200", "800")
"""Pixels from the upper left corner: far from the icon and from its menu."""
_SHORT = 150
"""Pixels, high."""
_STILL = 0.15
"""Seconds without a change, after which nothing more is to come."""

Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]


class TaskBar:
    """In the upper left corner, with room for some icons; its pictures go to the folder *shots*.
    *choice* is the colour of the line of a menu that would be taken."""

    def __init__(self, desktop: Desktop, shots: Path, choice: Colour = GTK_CHOICE) -> None:
        self._choice = choice
        self._desktop = desktop
        self._shots = shots
        self._count = 0
        ground = "#{:02x}{:02x}{:02x}".format(*_GROUND)
        look = ["--geometry", "4x1+0+0", "--icon-size", str(SIZE), "--background", ground]
        look += ["--kludges", "force_icons_size"]  # as panels do; GTK's windows begin large
        config = desktop.folder / "stalonetrayrc"
        config.touch()
        with (desktop.folder / "stalonetray.log").open("wb") as log:
            command = ["stalonetray", "--config", str(config), "--window-type", "dock", *look]
            desktop.start(command, stdout=log, stderr=log)
        eventually(lambda: self._bar().getpixel((SIZE, 0)) == _GROUND, "task bar")

    def icon(self) -> Look:
        """What the first icon looks like, in the size that the bar gives it. Raises
        ``AssertionError`` where there is none yet."""
        try:
            return look_at(on_ground(self._bar().crop((0, 0, SIZE, SIZE)), _GROUND))
        except AssertionError:
            self._fit()
            raise

    def is_empty(self) -> bool:
        """Whether there is no icon."""
        return not _changed(self._bar(), Image.new("RGB", (4 * SIZE, SIZE), _GROUND))

    def _fit(self) -> None:
        """Give the icon its size again, as panels do: sometimes GTK gives its window, after it was
        taken in, the 200 pixels that windows begin with."""
        for window in self._desktop.windows("AI-Server Tray – .*"):
            self._desktop.run("xdotool", "windowsize", window, str(SIZE), str(SIZE))

    def shot(self, what: str) -> Image.Image:
        """A picture of the whole screen, kept as a file."""
        self._count += 1
        picture = self._desktop.picture()
        picture.save(self._shots / f"{self._count}-{what}.png")
        return picture

    def click_icon(self) -> None:
        """With the left button."""
        self._click(*self._spot(), button=1)

    def choose(self, what: str, *keys: str) -> None:
        """Open the menu with the right button, go to a line of it with *keys*, and click on it; a
        picture of that is called *what*."""
        self.open_menu()
        self.take(what, *keys)

    def open_menu(self) -> None:
        """With the right button."""
        ground = self._ground()
        eventually(lambda: self._menu(ground), "menu")

    def take(self, what: str, *keys: str) -> None:
        """As `choose`, in the menu that is open."""
        before = after = self._settled()
        for key in keys:
            self._desktop.run("xdotool", "key", key)
            before, after = after, self._settled(after)
        # A submenu may be there a while before a line of it is the chosen one.
        row = eventually(lambda: self._chosen(before, self._settled()), what)
        self.shot(what)
        self._click((row[0] + row[2]) // 2, (row[1] + row[3]) // 2, button=1)

    def _spot(self) -> tuple[int, int]:
        """A pixel that the icon fills: Wine takes no click where it is transparent. In its left
        half, since a balloon may hang from the right one."""
        width = SIZE // 2
        icon = self._bar().crop((0, 0, width, SIZE))
        ink = ImageChops.difference(icon, Image.new("RGB", icon.size, _GROUND)).convert("L")
        darkest = max(range(width * SIZE), key=ink.tobytes().__getitem__)
        return darkest % width, darkest // width

    def _ground(self) -> Image.Image:
        """The screen with the pointer elsewhere, so that no tooltip is shown."""
        self._desktop.run("xdotool", "mousemove", *_ELSEWHERE)
        return self._settled()

    def _menu(self, ground: Image.Image) -> Image.Image | None:
        """The screen with the menu open; None where the applet does not know its state yet, and
        its menu is a short one."""
        self._click(*self._spot(), button=3)
        found = self._settled(ground)
        _, upper, _, lower = _changed(ground, found) or (0, 0, 0, 0)
        if lower - upper > _SHORT:
            return found
        eventually(lambda: self._leave(ground), "end of the menu")
        return None

    def _leave(self, ground: Image.Image) -> bool:
        """Close the menu, which may still have been on its way; whether it is closed."""
        self._desktop.run("xdotool", "key", "Escape", "mousemove", *_ELSEWHERE)
        return not _changed(ground, self._desktop.picture())

    def _settled(self, before: Image.Image | None = None) -> Image.Image:
        """The screen, once it differs from *before*, if that is given, and stays so for a while."""
        start = time.monotonic()
        last, since = before or self._desktop.picture(), start

        def is_still() -> bool:
            nonlocal last, since
            last, previous = self._desktop.picture(), last
            if _changed(previous, last):
                since = time.monotonic()
            is_other = before is None or bool(_changed(before, last))
            return is_other and time.monotonic() - since > _STILL

        # Without the pauses of `eventually`: between two pictures far apart, the card of a module
        # that runs has always changed.
        while not is_still():
            assert time.monotonic() - start < LIMIT, "waited in vain for the end of the changes"
            time.sleep(POLL_SECONDS)
        return last

    def _bar(self) -> Image.Image:
        return self._desktop.picture((0, 0, 4 * SIZE, SIZE))

    def _click(self, x: int, y: int, button: int) -> None:
        self._desktop.run("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def _chosen(self, before: Image.Image, after: Image.Image) -> Box | None:
        """The line that has become the chosen one."""
        masks = [_like(picture, self._choice) for picture in (before, after)]
        return ImageChops.subtract(masks[1], masks[0]).getbbox()


def _changed(before: Image.Image, after: Image.Image) -> Box | None:
    return ImageChops.difference(before, after).getbbox()


def _like(picture: Image.Image, colour: Colour) -> Image.Image:
    distance = ImageChops.difference(picture, Image.new("RGB", picture.size, colour)).convert("L")
    return distance.point(lambda value: 255 if value == 0 else 0)
