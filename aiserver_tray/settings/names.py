"""The names of the files in a home folder that several modules read."""

import json
import os
from collections.abc import Sequence
from typing import Final

INSTALLATION: Final = "installation.json"
SETTINGS: Final = "settings.json"
STATE: Final = "state.json"
SECRETS: Final = "secrets.json"


# -- a list of folders in one setting -------------------------------------------------------------


def split_folders(text: str) -> tuple[str, ...]:
    """The folders in *text*, without checking them. A list that can't be read is one folder."""
    if not text.lstrip().startswith("["):
        return tuple(word.strip() for word in text.split(os.pathsep) if word.strip())
    try:
        found = json.loads(text)
    except ValueError:
        return (text,)
    return tuple(map(str, found))


def join_folders(folders: Sequence[str]) -> str:
    """The text that `split_folders` splits into *folders*."""
    if any(os.pathsep in folder for folder in folders):
        return json.dumps(folders, ensure_ascii=False)
    return os.pathsep.join(folders)
