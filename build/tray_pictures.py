"""The pictures of the tray icon in the documents, drawn by the icon's own code.

``python build/tray_pictures.py`` writes ``docs/pictures/icon-STATE.png``, each on a light and on a
dark task bar; a test compares the files.
"""

from pathlib import Path
from typing import get_args

from PIL import Image

from aiserver_tray.model import State
from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.view import IconSpec

PICTURES = Path(__file__).resolve().parent.parent / "docs/pictures"
STATES: tuple[State, ...] = get_args(State)

_ICON = 24
_TILE = (48, 40)
_BARS: dict[Theme, str] = {"light": "#eeeeee", "dark": "#1c1c1c"}
_READY, _TOTAL = 2, 5
"""Healthy modules of a start; only that icon shows them."""


def drawn(state: State) -> Image.Image:
    """The icon of *state* on both task bars, side by side."""
    width, height = _TILE
    picture = Image.new("RGB", (width * len(_BARS), height))
    for index, (theme, bar) in enumerate(_BARS.items()):
        icon = draw(IconSpec(state, _READY, _TOTAL), _ICON, theme)
        tile = Image.new("RGB", _TILE, bar)
        tile.paste(icon, ((width - _ICON) // 2, (height - _ICON) // 2), icon)
        picture.paste(tile, (index * width, 0))
    return picture


def path(state: State, folder: Path = PICTURES) -> Path:
    """The file of the icon of *state*."""
    return folder / f"icon-{state.replace('_', '-')}.png"


def write(folder: Path) -> None:
    """Every picture."""
    for state in STATES:
        drawn(state).save(path(state, folder), optimize=True)


if __name__ == "__main__":
    write(PICTURES)
