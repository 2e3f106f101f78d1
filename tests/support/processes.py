"""The processes in containers, as this machine sees them."""

import os
import signal
from pathlib import Path

from docker.models.containers import Container


def main_process(container: Container) -> int:
    """The pid of a container's first process, as this machine sees it: the engine, in a namespace
    of its own, knows it by another.

    Raises:
        LookupError: it has none.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if container.id not in (folder / "cgroup").read_text(encoding="utf-8"):
                continue
            status = (folder / "status").read_text(encoding="utf-8")
        except OSError:  # it ended
            continue
        pids = next(line for line in status.splitlines() if line.startswith("NSpid"))
        if pids.split()[-1] == "1":
            return int(folder.name)
    raise LookupError(container.name)


def kill(container: Container) -> None:
    """End a container's first process, as a crash would."""
    os.kill(main_process(container), signal.SIGKILL)
