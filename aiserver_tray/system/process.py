"""This process and others of this machine: commands, programs, memory, signals. ``psutil`` is slow
to import and only needed after a conflict, so it is imported at use."""

import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Final

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


def boot_time() -> float:
    """When this machine was started, in seconds since the epoch."""
    import psutil  # noqa: PLC0415

    return float(psutil.boot_time())


def output_of(*command: str, seconds: float = 2.0) -> str:
    """The output of *command*; empty if it fails, or takes more than *seconds*."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def bundled_program() -> str | None:
    """The bundle's program for processes without a console. None outside a bundle. On Windows, it
    is the one beside the console's, which would open a black window."""
    if not getattr(sys, "frozen", False):
        return None
    own = Path(sys.executable)
    windowless = own.with_name(f"{own.stem.removesuffix('w')}w{own.suffix}")
    return str(windowless if sys.platform == "win32" and windowless.exists() else own)


_ASFW_ANY = -1


def give_foreground() -> None:
    """Allow other processes to bring a window to the front. On Windows, only the process that the
    user used last can allow this. Any process is allowed: in a virtual environment, the window runs
    in a child process of Python whose ID is unknown."""
    if sys.platform == "win32":
        ctypes.windll.user32.AllowSetForegroundWindow(_ASFW_ANY)


_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""From ``<malloc.h>``."""
_LARGE_BYTES = 1 << 17


def limit_heap() -> None:
    """Let a process that runs for long keep little memory that it does not use. Must be called
    before any thread starts.

    All threads allocate from one heap: otherwise each of the first threads gets its own, which
    keeps megabytes while the threads wait. Large blocks are outside of it, and go back to the
    system at once: otherwise, after the first ones, the heap has those of a burst, too, and can't
    shrink below a small block that lasts."""
    if sys.platform == "linux":
        if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # musl has none
            mallopt(_M_ARENA_MAX, 1)
            mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


APP_ID: Final = "AIServerTray.AIServerTray"
"""The ID that Windows knows the installed applet by. The shortcut in the Start menu has it, too: so
notifications get our name, and windows one button on the task bar."""


def claim_app_id() -> None:
    """Give this process the ID, if it is one of the bundle: without the shortcut, Windows would
    show the ID itself."""
    if sys.platform == "win32" and getattr(sys, "frozen", False):
        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(APP_ID)


def quoted(words: Sequence[str]) -> str:
    """*words* as they are typed."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


_WANTED = ("SIGTERM", "SIGHUP", "SIGINT", "SIGBREAK")


def on_termination(callback: Callable[[], object]) -> None:
    """Call *callback* once, in its own thread, when the system asks this process to exit. Ignored
    signals stay ignored: `nohup` ignores SIGHUP, so that the process survives its terminal. Call
    this once, in the main thread."""
    # The main thread may stay in a toolkit's loop, in which no handler of Python's runs; the number
    # is written from within the signal (https://docs.python.org/3/library/signal.html). Only
    # PyGObject's loop replaces the descriptor for that, and runs the handlers.
    reader, writer = socket.socketpair()
    writer.settimeout(0.0)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    known = {getattr(signal, name) for name in _WANTED if hasattr(signal, name)}
    numbers = {number for number in known if signal.getsignal(number) is not signal.SIG_IGN}

    def handle(number: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):
            writer.send(bytes([number]))

    for number in numbers:
        signal.signal(number, handle)

    def wait() -> None:
        with reader, writer:
            while reader.recv(1)[0] not in numbers:
                pass
            callback()
            while reader.recv(1):  # further signals ask for the same
                pass

    Thread(target=wait, name="signals", daemon=True).start()
