"""What this machine has: memory, space on a disk, settings of the kernel. None where that can't be
known."""

import shutil
import sys
from pathlib import Path

_SYSCTLS = Path("/proc/sys")


def total_memory() -> int:
    """Bytes of this machine's memory."""
    import psutil  # noqa: PLC0415 - takes a while to import

    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Bytes that programs could have without swapping."""
    import psutil  # noqa: PLC0415 - takes a while to import

    return int(psutil.virtual_memory().available)


def free_disk(folder: str) -> int | None:
    """Bytes that are free on the disk of *folder*."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def kernel_setting(name: str) -> int | None:
    """The value of the Linux kernel's setting *name* (``vm.max_map_count``)."""
    if sys.platform != "linux":
        return None
    try:
        return int((_SYSCTLS / name.replace(".", "/").lstrip("/")).read_text())
    except (OSError, ValueError):
        return None
