"""Windows' subsystem for Linux, in which an engine for Windows runs: whether it is there, how much
memory it gives, which distributions it has; and its program."""

import codecs
import configparser
import ctypes
import errno
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import IO, Final

from aiserver_tray.base.errors import CancelledError
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.system.registry import Registry

_TIMEOUT_SECONDS: Final = 10.0
_DEFAULT_SHARE: Final = 0.5
"""Part of the machine's memory that WSL 2 takes at most, unless `.wslconfig` has a limit:
https://learn.microsoft.com/windows/wsl/wsl-config#main-wsl-settings"""

_VERSION: Final = re.compile(r"[:：]\s*([12])\s*$", re.MULTILINE)
"""In each language, the default version ends a line of ``wsl --status``."""

_DISTRIBUTIONS: Final = r"Software\Microsoft\Windows\CurrentVersion\Lxss"
_SERVICING: Final = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"
_NO_WINDOW: Final = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_POLL_SECONDS: Final = 0.1
_LAST_WORDS_SECONDS: Final = 10.0
_KEEPER: Final = ("flock", "-n", "/run/aiserver-tray-keeper", "sleep", "infinity")

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
    file, status = config_file(), _status()
    memory = memory_limit(config_text())
    return Wsl(status is not None, default_version(status or ""), memory, file)


def config_file() -> Path:
    """The file with the limits of all distributions."""
    return user_home() / ".wslconfig"


def default_version(status: str) -> int | None:
    """The default version in the output of ``wsl --status``."""
    found = _VERSION.search(status)
    return int(found[1]) if found else None


def memory_limit(config: str) -> int | None:
    """The limit in bytes that the text of a ``.wslconfig`` sets. None: none, or an invalid one."""
    found = _SIZE.fullmatch(_limit(config, "memory"))
    return int(found[1]) * 1024 ** _UNITS[(found[2] or "").upper()] if found else None


def processor_limit(config: str) -> int | None:
    """The processors that the text of a ``.wslconfig`` gives. None: all, or it is invalid."""
    found = _limit(config, "processors")
    return int(found) if found.isdecimal() else None


def _limit(config: str, name: str) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(configparser.Error):
        parser.read_string(config)
    return parser.get("wsl2", name, fallback="").strip()


def with_limits(config: str, limits: Mapping[str, str]) -> str:
    """The text *config* of a ``.wslconfig`` with these *limits*; all else in it stays."""
    lines, section = [], ""
    for line in config.splitlines():
        if head := re.match(r"\s*\[(.*?)\]", line):
            section = head[1].strip().lower()
        if section != "wsl2" or line.partition("=")[0].strip().lower() not in limits:
            lines.append(line)
    heads = [n for n, line in enumerate(lines, 1) if line.strip().lower().startswith("[wsl2]")]
    if not heads:
        lines.append("[wsl2]")
    place = heads[0] if heads else len(lines)
    lines[place:place] = [f"{name}={value}" for name, value in limits.items()]
    return "\n".join(lines) + "\n"


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
            creationflags=_NO_WINDOW,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return decoded(done.stdout) if done.returncode == 0 else None


def config_text() -> str:
    """What is in `config_file`."""
    try:
        return config_file().read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def distributions() -> list[str]:
    """The names of the user's distributions. Their list in the registry can be read without
    starting one."""
    registry = Registry()
    keys = registry.keys("user", _DISTRIBUTIONS)
    found = (registry.get("user", rf"{_DISTRIBUTIONS}\{k}", "DistributionName") for k in keys)
    return [name for name in found if isinstance(name, str)]


def folder_of(name: str) -> Path | None:
    """The folder with the disk file of the distribution *name*. None: it is unknown."""
    registry = Registry()
    for key in (rf"{_DISTRIBUTIONS}\{k}" for k in registry.keys("user", _DISTRIBUTIONS)):
        if registry.get("user", key, "DistributionName") == name:
            found = registry.get("user", key, "BasePath")
            return Path(found.removeprefix("\\\\?\\")) if isinstance(found, str) else None
    return None


def running_distributions() -> list[str]:
    """The names of those that run now; none if WSL does not answer."""
    try:
        said = run_wsl(("--list", "--running", "--quiet"), Event(), within=_TIMEOUT_SECONDS)
    except OSError:
        return []
    known = distributions()  # without any, it says so in words
    return [line for line in said.lines if line in known]


def needs_restart() -> bool:
    """Whether Windows has to restart before what was switched on works."""
    return "RebootPending" in Registry().keys("machine", _SERVICING)


@dataclass(frozen=True)
class Said:
    """The end of a run of ``wsl.exe``."""

    code: int
    lines: tuple[str, ...]
    """What it printed, without its progress."""


def run_wsl(
    words: Sequence[str],
    cancelled: Event,
    on_line: Callable[[str], object] = lambda _: None,
    content: bytes = b"",
    within: float = math.inf,
) -> Said:
    """Run ``wsl.exe`` with *words*; *content* is its input. *on_line* gets each line, also those
    that only say how far it is.

    Raises:
        CancelledError: *cancelled* was set; it is ended.
        OSError: it can't be run, or has not ended *within* seconds.
    """
    end = time.monotonic() + within
    process = subprocess.Popen(
        [wsl_program(), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        creationflags=_NO_WINDOW,
    )
    lines: list[str] = []

    def read(output: IO[bytes]) -> None:
        for line, is_progress in _lines(output):
            on_line(line)
            if not is_progress:
                lines.append(line)

    reader = Thread(target=read, args=[process.stdout], name="wsl-output", daemon=True)
    reader.start()
    try:
        _feed(process, content)
        while True:
            try:
                code = process.wait(_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if cancelled.is_set():
                    raise CancelledError from None
                if time.monotonic() > end:
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
    finally:
        process.kill()
        process.wait()
        reader.join(_LAST_WORDS_SECONDS)  # a process that it has started may keep its output open
    return Said(code, tuple(lines))


def _feed(process: subprocess.Popen[bytes], content: bytes) -> None:
    assert process.stdin
    try:
        process.stdin.write(content)
        process.stdin.close()
    except OSError:  # it has ended, and says why
        process.stdin = None


def _lines(output: IO[bytes]) -> Iterator[tuple[str, bool]]:
    """The lines of *output*, and whether each only says how far it is: the next one replaces
    it."""
    decoder: codecs.IncrementalDecoder | None = None
    held = ""
    with output:
        while piece := os.read(output.fileno(), 4096):
            if decoder is None:
                kind = "utf-16-le" if b"\0" in piece else "utf-8"
                decoder = codecs.getincrementaldecoder(kind)("replace")
            *whole, held = re.split(r"(\r\n|\r|\n)", held + decoder.decode(piece))
            for line, end in zip(whole[::2], whole[1::2], strict=True):
                if text := line.strip():
                    yield text, end == "\r" and "%" in text
    if text := held.strip():
        yield text, False


def keep_running(host: str) -> None:
    """If the engine at *host* is in a distribution, let that go on without us: by itself, it ends
    15 s after its last client, whatever runs in it
    (https://learn.microsoft.com/windows/wsl/systemd). A second keeper of it ends at once."""
    scheme, _, name = host.partition("://")
    if scheme != "wsl":
        return
    null = subprocess.DEVNULL
    with suppress(OSError):  # it is gone, and with it what ran there
        keeper = subprocess.Popen(
            [wsl_program(), "-d", name, "-u", "root", "--exec", *_KEEPER],
            stdin=null,
            stdout=null,
            stderr=null,
            creationflags=_NO_WINDOW | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        Thread(target=keeper.wait, name="wsl-keeper", daemon=True).start()


def run_as_administrator(words: Sequence[str], cancelled: Event) -> int:
    """Run ``wsl.exe`` with *words* after Windows has asked the user for its permission; its exit
    code.

    Raises:
        PermissionError: the user has not given it.
        OSError: it can't be run.
        CancelledError: *cancelled* was set; it goes on.
    """
    if sys.platform != "win32":
        raise OSError
    import win32event  # noqa: PLC0415 - on Windows only
    import win32process  # noqa: PLC0415

    asked = _ShellExecute(
        cbSize=ctypes.sizeof(_ShellExecute),
        fMask=_NO_CLOSE_PROCESS | _NO_UI,
        lpVerb="runas",
        lpFile=str(wsl_program()),
        lpParameters=subprocess.list2cmdline(words),
    )
    if not ctypes.WinDLL("shell32", use_last_error=True).ShellExecuteExW(ctypes.byref(asked)):
        code = ctypes.get_last_error()
        kind = PermissionError if code == _DECLINED else OSError
        raise kind(code, ctypes.FormatError(code))
    wait = int(_POLL_SECONDS * 1000)
    while win32event.WaitForSingleObject(asked.hProcess, wait) == win32event.WAIT_TIMEOUT:
        if cancelled.is_set():
            raise CancelledError
    return int(win32process.GetExitCodeProcess(asked.hProcess))


_NO_CLOSE_PROCESS, _NO_UI, _DECLINED = 0x40, 0x400, 1223
"""SEE_MASK_NOCLOSEPROCESS, SEE_MASK_FLAG_NO_UI, ERROR_CANCELLED."""


class _ShellExecute(ctypes.Structure):
    """SHELLEXECUTEINFOW
    (https://learn.microsoft.com/windows/win32/api/shellapi/ns-shellapi-shellexecuteinfow)."""

    _fields_ = (
        ("cbSize", ctypes.c_uint32),
        ("fMask", ctypes.c_ulong),
        ("hwnd", ctypes.c_void_p),
        ("lpVerb", ctypes.c_wchar_p),
        ("lpFile", ctypes.c_wchar_p),
        ("lpParameters", ctypes.c_wchar_p),
        ("lpDirectory", ctypes.c_wchar_p),
        ("nShow", ctypes.c_int),
        ("hInstApp", ctypes.c_void_p),
        ("lpIDList", ctypes.c_void_p),
        ("lpClass", ctypes.c_wchar_p),
        ("hkeyClass", ctypes.c_void_p),
        ("dwHotKey", ctypes.c_uint32),
        ("hIcon", ctypes.c_void_p),
        ("hProcess", ctypes.c_void_p),
    )
