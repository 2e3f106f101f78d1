"""Folders for what can be made again, and is kept because making it takes long."""

import os
from pathlib import Path
from tempfile import TemporaryFile

from developer.processes import fail

LAB = "aiserver-lab"
PACKAGES = "aiserver-packages"
VERIFIER = "aiserver-verify-images"
WINE = "aiserver-wine"
ADVICE = "make it yours, or use your own checkout and, in XDG_CACHE_HOME, your own cache folder"


def cache_folder(name: str) -> Path:
    """The folder *name* in the user's cache, created if it does not exist. Exits if this user can't
    write to it."""
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:  # a user whom the system does not know
        fail(f"there is no cache folder: {error}\ndev.py: set XDG_CACHE_HOME to a folder")
    return writable(caches.absolute() / name)


def writable(folder: Path) -> Path:
    """The *folder*, created if it does not exist. Exits if this user can't write to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        fail(f"nothing can be written to {folder}: {error.strerror}\ndev.py: {ADVICE}")
