"""Information about other processes of this machine.

``psutil`` is slow to import and only needed after a conflict, so it is imported at use.
"""

import os
import time
from pathlib import Path

_CLOCK_SLACK_SECONDS = 2.0
"""Tolerance in seconds for a process's creation time: Linux counts it from the boot time, which it
gives in whole seconds."""

_BEGAN = time.time()
"""This process, or a little later: it has written nothing before."""


def program_of(pid: int) -> str | None:
    """The program of the process *pid* (``nginx``). None if it has exited or is not visible."""
    import psutil  # noqa: PLC0415

    try:
        return psutil.Process(pid).name() or None
    except psutil.Error:
        return None


def has_written(pid: int, file: Path) -> bool:
    """Whether the running process *pid* can have written *file*."""
    try:
        return has_run_since(pid, file.stat().st_mtime)
    except OSError:
        return False


def has_run_since(pid: int, moment: float) -> bool:
    """Whether the process *pid* runs and did so at *moment* (seconds since the epoch). After an
    exit, a new process may get the same ID; it then started later."""
    if pid == os.getpid():
        return moment + _CLOCK_SLACK_SECONDS >= _BEGAN

    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and process.create_time() <= moment + _CLOCK_SLACK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it exists and belongs to another user
        return True
