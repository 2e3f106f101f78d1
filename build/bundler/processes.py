"""Running the programs that build packages."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from developer.machine import ROOT


class MissingProgramError(Exception):
    """A program is not on this machine; says how to install it."""


def need(program: str, advice: str, *places: Path) -> str:
    """The path of *program*: one of *places*, or found in the PATH.

    Raises:
        MissingProgramError: it is nowhere; with *advice*.
    """
    known = [str(place) for place in places if place.exists()]
    if found := next(iter(known), None) or shutil.which(program):
        return found
    raise MissingProgramError(f"there is no program {program}. {advice}, then try again")


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
