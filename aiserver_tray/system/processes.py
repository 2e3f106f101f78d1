"""What is to be known about other processes of this machine.

``psutil`` takes a while to import, and is needed only where something is in the way.
"""

import os
import time
from pathlib import Path

_CLOCK_SLACK_SECONDS = 2.0
"""Seconds by which a process's time of creation may be off: Linux counts it from the time of boot,
which it gives in whole seconds."""

_BEGAN = time.time()
"""This process, or a little later: it has written nothing before."""


def program_of(pid: int) -> str | None:
    """The program that the process *pid* runs (``nginx``); None where it ended or may not be
    seen."""
    import psutil  # noqa: PLC0415

    try:
        return psutil.Process(pid).name() or None
    except psutil.Error:
        return None


def has_written(pid: int, file: Path) -> bool:
    """Whether *file* can be the work of the process *pid* that runs now: another one may have
    got the number of a process that ended, but began later than the file was written."""
    try:
        written = file.stat().st_mtime
    except OSError:
        return False
    if pid == os.getpid():
        return written + _CLOCK_SLACK_SECONDS >= _BEGAN

    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and process.create_time() <= written + _CLOCK_SLACK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it is there, and another user's
        return True
