"""The form of an icon that this system's windows take."""

import sys
from pathlib import Path


def icon_file(folder: Path) -> Path:
    """The icon in *folder*, in the form that is read everywhere on this system."""
    return folder / ("icon.ico" if sys.platform == "win32" else "icon.png")
