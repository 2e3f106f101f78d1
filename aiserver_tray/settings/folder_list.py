"""Several folders in the text of a setting: separated as in PATH, or a JSON list where the name of
a folder contains the separator."""

import json
import os
from collections.abc import Sequence


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
