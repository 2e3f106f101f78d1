"""Running the programs that build packages."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from developer.machine import ROOT


def must(
    *command: str,
    given: str | None = None,
    env: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> str:
    """The output of *command*, which runs in *folder* and gets *given* as its input. If it fails,
    its output is shown.

    Raises:
        CalledProcessError: it fails.
    """
    done = subprocess.run(
        command, cwd=folder, text=True, input=given, env=env, capture_output=True, check=False
    )
    if done.returncode:
        sys.stderr.write(f"{done.stdout}{done.stderr}")
    done.check_returncode()
    return done.stdout
