"""Windows' subsystem for Linux, in which an engine for Windows runs: whether it is there, and how
much memory it gives. Only reads."""

import configparser
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiserver_tray.base.user_home import user_home

_TIMEOUT_SECONDS: Final = 10.0
_DEFAULT_SHARE: Final = 0.5
"""Part of the machine's memory that WSL 2 takes at most, unless `.wslconfig` has a limit:
https://learn.microsoft.com/windows/wsl/wsl-config#main-wsl-settings"""

_VERSION: Final = re.compile(r"[:：]\s*([12])\s*$", re.MULTILINE)
"""In each language, the default version ends a line of ``wsl --status``."""

_SIZE: Final = re.compile(r"(\d+)\s*(KB|MB|GB|TB)?", re.IGNORECASE)
_UNITS: Final = {"": 0, "KB": 1, "MB": 2, "GB": 3, "TB": 4}


@dataclass(frozen=True)
class Wsl:
    """The state of WSL on this machine."""

    is_installed: bool
    version: int | None
    """Of new distributions. None: unknown."""
    memory: int | None
    """The limit in bytes. None: the file sets none."""
    file: Path
    """The file with the limit."""

    def memory_of(self, total: int) -> int:
        """The bytes that it takes at most, of *total* bytes in this machine."""
        return min(self.memory or int(total * _DEFAULT_SHARE), total)


def find_wsl() -> Wsl | None:
    """WSL on this machine. None: this is not Windows."""
    if sys.platform != "win32":
        return None
    file = user_home() / ".wslconfig"
    status = _status()
    memory = memory_limit(_text(file))
    return Wsl(status is not None, default_version(status or ""), memory, file)


def default_version(status: str) -> int | None:
    """The default version in the output of ``wsl --status``."""
    found = _VERSION.search(status)
    return int(found[1]) if found else None


def memory_limit(config: str) -> int | None:
    """The limit in bytes that the text of a ``.wslconfig`` sets. None: none, or an invalid one."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(config)
    except configparser.Error:
        return None
    found = _SIZE.fullmatch(parser.get("wsl2", "memory", fallback="").strip())
    return int(found[1]) * 1024 ** _UNITS[(found[2] or "").upper()] if found else None


def decoded(output: bytes) -> str:
    """The output of ``wsl.exe``, which is UTF-16 unless WSL_UTF8 is set."""
    return output.decode("utf-16-le" if b"\0" in output else "utf-8", errors="replace")


def wsl_program() -> Path:
    """WSL's own program, and none of that name elsewhere."""
    return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "wsl.exe")


def _status() -> str | None:
    """What ``wsl --status`` prints. None: it fails, because WSL is not installed."""
    try:
        done = subprocess.run(
            [wsl_program(), "--status"],
            stdin=subprocess.DEVNULL,  # without WSL, it may wait for a key
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return decoded(done.stdout) if done.returncode == 0 else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
