"""Free resources and kernel settings of this machine. None if unknown."""

import platform
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

_PROC = Path("/proc")
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


def available_memory() -> int | None:
    """Bytes that programs could have without swapping, on Linux."""
    try:
        # psutil returns the same value, but is slow to import.
        found = _AVAILABLE.search((_PROC / "meminfo").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def total_memory() -> int:
    """Bytes of memory in this machine."""
    import psutil  # noqa: PLC0415 - it takes a while to import

    return int(psutil.virtual_memory().total)


def free_disk(folder: str) -> int | None:
    """Bytes that are free on the disk of *folder*."""
    found = disk_size(folder)
    return found[0] if found else None


def disk_size(folder: str) -> tuple[int, int] | None:
    """Bytes that are free on the disk of *folder*, and that it has."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None
    return found.free, found.total


def kernel_setting(name: str) -> int | None:
    """The value of the Linux kernel's setting *name* (``vm.max_map_count``)."""
    if sys.platform != "linux":
        return None
    try:
        return int((_PROC / "sys" / name.replace(".", "/").lstrip("/")).read_text())
    except (OSError, ValueError):
        return None


def python_and_system() -> Mapping[str, object]:
    """Versions of Python, its packages, and the operating system."""
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "python": sys.version,
        "frozen": bool(getattr(sys, "frozen", False)),
        "system": platform.platform(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items())),
    }
