"""Ports that Windows reserves, mostly for Hyper-V. No process can use them."""

import re
import subprocess
import sys
from pathlib import PureWindowsPath
from typing import NamedTuple


class ReservedRange(NamedTuple):
    """Ports from ``first`` to ``last``."""

    first: int
    last: int


def reserved_range(address: str, port: int, protocol: str) -> ReservedRange | None:
    """The reserved range that contains *port*. None if there is none."""
    if sys.platform != "win32":
        return None
    family = "ipv6" if ":" in address else "ipv4"
    words = ["interface", family, "show", "excludedportrange", f"protocol={protocol}"]
    try:
        done = subprocess.run(
            [_netsh(), *words],
            capture_output=True,
            timeout=10,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = ranges_in(done.stdout)
    return next((one for one in found if one.first <= port <= one.last), None)


def _netsh() -> str:
    """netsh by its full path: Windows would search the current folder first."""
    from win32api import GetSystemDirectory  # noqa: PLC0415 - on Windows only

    return str(PureWindowsPath(GetSystemDirectory(), "netsh.exe"))


_ROW = re.compile(rb"^\s*([0-9]{1,5})\s+([0-9]{1,5})\s*\*?\s*$", re.MULTILINE)


def ranges_in(printed: bytes) -> list[ReservedRange]:
    """The ranges in the output of netsh, in any language and encoding."""
    return [ReservedRange(int(first), int(last)) for first, last in _ROW.findall(printed)]
