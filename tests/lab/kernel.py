"""What labs need of this machine's kernel, and its settings as they were before the first lab."""

import fcntl
import json
import os
from pathlib import Path

import psutil

_NEEDS = {
    Path("/proc/sys/net/ipv4/ip_forward"): 1,  # the containers' way out
    Path("/proc/sys/vm/max_map_count"): 262144,  # for Elasticsearch
}
_BEFORE = Path("/run/ailab-kernel.json")
_LOCK = Path("/run/ailab-kernel.lock")
"""Shared by the processes whose lab needs the settings, and locked by one that restores them."""
_held: dict[str, int] = {}


def allow(holder: str) -> None:
    """Raise what is lower than labs need, until *holder* restores it or this process ends."""
    if holder not in _held:
        _held[holder] = os.open(_LOCK, os.O_CREAT | os.O_RDWR)
        fcntl.flock(_held[holder], fcntl.LOCK_SH)
    found = {file: int(file.read_text()) for file in _NEEDS}
    if not _BEFORE.exists():
        _BEFORE.write_text(json.dumps({str(file): value for file, value in found.items()}))
    for file, least in _NEEDS.items():
        if found[file] < least:
            file.write_text(str(least))


def restore(holder: str) -> None:
    """Restore the settings, unless another than *holder* needs them or an engine runs: also one
    that is not ours may need them."""
    if holder in _held:
        os.close(_held.pop(holder))
    with _LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if _BEFORE.exists() and not any_engine():
            for file, value in json.loads(_BEFORE.read_text()).items():
                Path(file).write_text(str(value))
            _BEFORE.unlink()


def any_engine() -> bool:
    """Whether any engine runs on this machine, the user's own included."""
    return any(process.info["name"] == "dockerd" for process in psutil.process_iter(["name"]))
