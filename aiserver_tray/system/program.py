"""The program of a bundle: there, no Python runs the modules by name."""

import sys
from pathlib import Path


def bundled_program() -> str | None:
    """The bundle's program for processes without a console. None outside a bundle. On Windows, it
    is the one beside the console's, which would open a black window."""
    if not getattr(sys, "frozen", False):
        return None
    own = Path(sys.executable)
    windowless = own.with_name(f"{own.stem.removesuffix('w')}w{own.suffix}")
    return str(windowless if sys.platform == "win32" and windowless.exists() else own)
