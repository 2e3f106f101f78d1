"""Quoting words for the user's shell."""

import shlex
import subprocess
import sys
from collections.abc import Sequence


def quoted(words: Sequence[str]) -> str:
    """*words* as they are typed."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
